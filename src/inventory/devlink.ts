// Owns what devlink says of PFs, put together per device.

import { present } from '../base/present.ts';
import {
  listDevlinkDevices,
  listDevlinkPorts,
  listHealthReporters,
  readDevlinkInfo,
  readEswitchMode,
} from '../kernel/genetlink/devlink.ts';
import { listDevlinkParameters } from '../kernel/genetlink/devlink-parameters.ts';
import type { KernelSession } from '../kernel/session.ts';
import type { DevlinkFacts } from '../model/pf.ts';

/**
 * devlink facts by PF address (`0000:01:00.0`, `netdevsim/netdevsim1`); empty on a kernel without devlink. With
 * `settings` only what can be set is read: the eswitch mode.
 */
export async function readDevlink(
  session: KernelSession,
  detail: 'settings' | 'full',
): Promise<ReadonlyMap<string, DevlinkFacts>> {
  const facts = new Map<string, DevlinkFacts>();
  const client = session.generic;
  const devices = await listDevlinkDevices(client);
  if (devices.length === 0) return facts;
  const isFull = detail === 'full';
  const ports = isFull ? await listDevlinkPorts(client) : [];
  const reporters = isFull ? await listHealthReporters(client) : [];
  const parameters = isFull ? await listDevlinkParameters(client) : [];
  for (const { bus, device } of devices) {
    const isOurs = (other: { bus: string; device: string }): boolean =>
      other.bus === bus && other.device === device;
    const info = isFull ? await readDevlinkInfo(client, { bus, device }) : undefined;
    facts.set(
      bus === 'pci' ? device : `${bus}/${device}`,
      present({
        handle: `${bus}/${device}`,
        driver: info?.driver,
        serialNumber: info?.serialNumber,
        versions: {
          fixed: { ...info?.versions.fixed },
          running: { ...info?.versions.running },
          stored: { ...info?.versions.stored },
        },
        eswitchMode: await readEswitchMode(client, { bus, device }),
        ports: ports
          .filter(isOurs)
          .map(({ index, flavour, netdev, pfNumber, vfIndex, portNumber }) =>
            present({ index, flavour, netdev, pfNumber, vfIndex, portNumber }),
          ),
        healthReporters: reporters
          .filter(isOurs)
          .map(({ name, state, errorCount, recoverCount }) => ({ name, state, errorCount, recoverCount })),
        parameters: parameters
          .filter(isOurs)
          .map(({ name, values }) => ({ name, values: present({ ...values }) })),
      }),
    );
  }
  return facts;
}
