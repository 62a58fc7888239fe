import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VfleetError } from '../../base/errors.ts';
import { acknowledge } from '../genetlink/genl-kernel.fixture.ts';
import { NetlinkClient } from '../netlink/client.ts';
import { answerTo, bytesOfHex, ScriptedTransport } from '../netlink/replay.fixture.ts';
import { decodeFlowControl, encodeFlowControl, readFlowControlPriorities, RTM_GETDCB } from './dcb.ts';

const EOPNOTSUPP = 95;
const ENODEV = 19;

function clientWith(errno: number): NetlinkClient {
  return new NetlinkClient(new ScriptedTransport((request) => [acknowledge(request, errno)]));
}

describe('priority flow control', () => {
  it('is asked for with a dcbmsg and the name', async () => {
    const transport = new ScriptedTransport((request) => [
      answerTo(request, { type: RTM_GETDCB, payload: encodeFlowControl('eth0', [3, 4]) }),
      acknowledge(request),
    ]);
    expect(await readFlowControlPriorities(new NetlinkClient(transport), 'eth0')).toEqual([3, 4]);
    const [request] = transport.requests;
    expect(request?.type).toBe(78);
    // Family 0, DCB_CMD_IEEE_GET; DCB_ATTR_IFNAME "eth0".
    expect(Buffer.from(request?.payload ?? []).toString('hex')).toBe('00150000090001006574683000000000');
  });

  it('is read from the bytes of struct ieee_pfc', () => {
    // DCB_ATTR_IFNAME eth0; DCB_ATTR_IEEE with ETS (type 1, cut short here) and PFC (type 2): 8 classes, priority 3.
    const payload = bytesOfHex(`00150000 09000100 6574683000000000
      18000d00 08000100 00000000 0c000200 0808000000000000`);
    expect(decodeFlowControl(payload)).toEqual([3]);
  });

  it('is unknown when the driver or the kernel has none of it', async () => {
    expect(await readFlowControlPriorities(clientWith(EOPNOTSUPP), 'eth0')).toBeUndefined();
    expect(decodeFlowControl(bytesOfHex('00150000 04000d00'))).toBeUndefined();
    expect(decodeFlowControl(bytesOfHex('00150000 08000d00 04000200'))).toBeUndefined();
    expect(decodeFlowControl(new Uint8Array(0))).toBeUndefined();
  });

  it('of an interface that has gone is an error', async () => {
    const reading = readFlowControlPriorities(clientWith(ENODEV), 'eth0');
    await expect(reading).rejects.toMatchObject({ code: 'kernel.refused', details: { errno: 'ENODEV' } });
  });

  it('is decoded as it is encoded', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(7)), (enabled) => {
        expect(decodeFlowControl(encodeFlowControl('eth0', enabled))).toEqual(
          enabled.toSorted((a, b) => a - b),
        );
      }),
    );
  });

  it('reads any bytes or refuses them', () => {
    const outcome = (bytes: Uint8Array): unknown => {
      try {
        return decodeFlowControl(bytes) ?? [];
      } catch (error) {
        return error instanceof VfleetError && error.code === 'kernel.malformed' ? [] : error;
      }
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(outcome(bytes)).toBeInstanceOf(Array);
      }),
      { numRuns: 5000 },
    );
  });
});
