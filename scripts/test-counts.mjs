// Owns the reading of vitest's JSON report, and the mark of the line on which the lab hands its counts out.

import { readFileSync } from 'node:fs';

export const resultMark = 'vfleet-lab-result ';

/** Counts of a report; undefined when there is none (the runner did not get that far). */
export function readCounts(path) {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, numFailedTestSuites } = JSON.parse(
      readFileSync(path, 'utf8'),
    );
    return {
      passed: numPassedTests,
      // A file that fails to load has no failed test, only a failed suite.
      failed: numFailedTests === 0 && numFailedTestSuites > 0 ? numFailedTestSuites : numFailedTests,
      skipped: numPendingTests + numTodoTests,
    };
  } catch {
    return undefined;
  }
}
