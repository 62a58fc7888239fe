import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { quoteUnitWord, renderAgentUnit, renderApplyUnit } from '../src/cli/commands/service.ts';

const folder = mkdtempSync(join(tmpdir(), 'vfleet-units-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the units', () => {
  it('let the agent start after what it follows, tell that it lives, and keep little', () => {
    const unit = renderAgentUnit(['/usr/bin/node', '/opt/v fleet/main.js', 'agent'], 'vfleet-apply.service');
    expect(unit).toContain('ExecStart="/usr/bin/node" "/opt/v fleet/main.js" "agent"\n');
    expect(unit).toMatch(/^After=vfleet-apply\.service libvirtd\.service virtqemud\.service$/m);
    expect(unit).toMatch(/^Type=notify$/m);
    expect(unit).toMatch(/^RuntimeDirectory=vfleet$/m);
    expect(unit).not.toMatch(/CAP_SYS_MODULE|CAP_SYS_RAWIO|CAP_SYS_BOOT/);
  });

  it('take a path literally, and none with a line break', () => {
    expect(quoteUnitWord('a"b\\c%d$e')).toBe('"a\\"b\\\\c%%d$$e"');
    expect(() => quoteUnitWord('a\nExecStart=evil')).toThrow(/line break/);
  });

  it.skipIf(!existsSync('/usr/bin/systemd-analyze'))('are sound to systemd (needs systemd-analyze)', () => {
    const command = [process.execPath, '/dev/null'];
    const agent = join(folder, 'vfleet-agent.service');
    writeFileSync(join(folder, 'vfleet-apply.service'), renderApplyUnit(command));
    writeFileSync(agent, renderAgentUnit(command, 'vfleet-apply.service'));
    const output = execFileSync('systemd-analyze', ['verify', agent], { encoding: 'utf8', stdio: 'pipe' });
    expect(output).toBe('');
  });
});
