// Owns the question for an RDMA device's active path MTU. The kernel tells it through the verbs interface alone
// (ib_uverbs, IB_USER_VERBS_CMD_QUERY_PORT); ibv_devinfo(1) of rdma-core asks there and prints it.

import { isErrno } from '../kernel.ts';
import type { Errno, Kernel } from '../kernel.ts';

/** Names as the kernel gives them out: `mlx5_0`, `rocep1s0f0`, `bnxt_re0`. None can be taken for an option. */
const deviceName = /^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,63}$/;
/** IBV_MTU_* in bytes. */
const mtus: ReadonlySet<number> = new Set([256, 512, 1024, 2048, 4096]);

/**
 * Path MTU in use on the first port of a device, in bytes. Undefined when the answer names none; the errno when the
 * program is not installed (ENOENT) or could not ask (EIO). Throws `kernel.timeout`.
 */
export async function readActiveMtu(
  kernel: Kernel,
  device: string,
  timeoutMs: number,
): Promise<number | Errno | undefined> {
  if (!deviceName.test(device)) return undefined;
  const output = await kernel.runTool('ibv_devinfo', ['-d', device], timeoutMs);
  return isErrno(output) ? output : parseActiveMtu(Buffer.from(output).toString('utf8'));
}

/** The first `active_mtu:` line of ibv_devinfo: `active_mtu:  1024 (3)`. */
export function parseActiveMtu(output: string): number | undefined {
  const match = /^\s*active_mtu:\s*([0-9]{3,4})\b/m.exec(output);
  const mtuBytes = match === null ? undefined : Number(match[1]);
  return mtuBytes !== undefined && mtus.has(mtuBytes) ? mtuBytes : undefined;
}
