// Owns what devlink says of PFs, put together per device.

import { VfleetError } from '../base/errors.ts';
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

export interface DevlinkReading {
  readonly facts: ReadonlyMap<string, DevlinkFacts>;
  readonly unread: readonly { readonly what: string; readonly why: string }[];
}

/**
 * devlink facts by PF address (`0000:01:00.0`, `netdevsim/netdevsim1`); empty on a kernel without devlink. What one
 * driver refuses to tell is no reason to show nothing of the host: it stands in `unread`.
 */
export async function readDevlink(session: KernelSession): Promise<DevlinkReading> {
  const facts = new Map<string, DevlinkFacts>();
  const unread: { what: string; why: string }[] = [];
  const client = session.generic;
  const devices = await listDevlinkDevices(client);
  if (devices.length === 0) return { facts, unread };
  const orNote = async <T>(what: string, reading: Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await reading;
    } catch (error) {
      if (!(error instanceof VfleetError) || error.code !== 'kernel.refused') throw error;
      unread.push({ what, why: error.message });
      return otherwise;
    }
  };
  const ports = await orNote('devlink ports', listDevlinkPorts(client), []);
  const reporters = await orNote('devlink health reporters', listHealthReporters(client), []);
  const parameters = await orNote('devlink parameters', listDevlinkParameters(client), []);
  for (const { bus, device } of devices) {
    const isOurs = (other: { bus: string; device: string }): boolean =>
      other.bus === bus && other.device === device;
    const what = `devlink info of ${bus}/${device}`;
    const info = await orNote(what, readDevlinkInfo(client, { bus, device }), undefined);
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
  return { facts, unread };
}
