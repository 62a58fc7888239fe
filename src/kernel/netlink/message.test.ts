import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VfleetError } from '../../base/errors.ts';
import {
  decodeAcknowledgement,
  decodeMessages,
  encodeAcknowledgement,
  encodeMessage,
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLMSG_DONE,
  NLMSG_ERROR,
  refusalOf,
} from './message.ts';
import { bytesOfHex } from './replay.fixture.ts';

const uint16 = fc.integer({ min: 0, max: 0xffff });
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const message = fc.record({
  type: uint16,
  flags: uint16,
  sequence: uint32,
  portId: uint32,
  payload: fc.uint8Array({ maxLength: 64 }),
});

function padded(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array((bytes.byteLength + 3) & ~3);
  whole.set(bytes);
  return whole;
}

describe('messages', () => {
  test('several in a datagram come back as they were', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 5 }), (messages) => {
        const datagram = Buffer.concat(messages.map((one) => padded(encodeMessage(one))));
        const found = decodeMessages(new Uint8Array(datagram));
        expect(found.map((one) => ({ ...one, payload: Uint8Array.from(one.payload) }))).toEqual(messages);
      }),
    );
  });

  test('a length beyond the datagram is malformed', () => {
    const bytes = encodeMessage({ type: 16, flags: 0, sequence: 1, payload: new Uint8Array(8) });
    expect(() => decodeMessages(bytes.subarray(0, 20))).toThrow(
      expect.objectContaining({ code: 'kernel.malformed' }),
    );
  });

  test.each([0, 15])('a length of %i, shorter than the header, is malformed and does not loop', (length) => {
    const bytes = encodeMessage({ type: 16, flags: 0, sequence: 1, payload: new Uint8Array(8) });
    new DataView(bytes.buffer).setUint32(0, length, true);
    expect(() => decodeMessages(bytes)).toThrow(VfleetError);
  });
});

describe('acknowledgements', () => {
  // Linux 6.12 on `ethtool LINKINFO_GET` for lo: EOPNOTSUPP with an extended ack, capped.
  const refused =
    bytesOfHex(`4c0000000200000311000000b0000000a1ffffff280000001600050011000000000000002500010066
    61696c656420746f207265747269657665206c696e6b2073657474696e677300000000`);

  test("a captured refusal gives errno and the kernel's words", () => {
    const [found] = decodeMessages(refused);
    expect(found && decodeAcknowledgement(found)).toEqual({
      errno: 95,
      kernelMessage: 'failed to retrieve link settings',
    });
  });

  test('a captured refusal is written again byte for byte', () => {
    const [found] = decodeMessages(refused);
    if (found === undefined) throw new Error('no message');
    const request = { type: 0x16, flags: 5, sequence: 0x11, portId: 0, payload: new Uint8Array(24) };
    const { flags, payload } = encodeAcknowledgement(request, {
      errno: 95,
      kernelMessage: 'failed to retrieve link settings',
    });
    expect(encodeMessage({ ...found, flags, payload })).toEqual(refused);
  });

  test('a plain acknowledgement is errno 0', () => {
    const [found] = decodeMessages(
      bytesOfHex('240000000200000107000000b0000000000000003c000000170005000700000000000000'),
    );
    expect(found && decodeAcknowledgement(found)).toEqual({ errno: 0 });
  });

  test('errno, text and offset come back as they were', () => {
    const answer = fc.record(
      { errno: fc.integer({ min: 0, max: 4095 }), kernelMessage: fc.string(), offset: uint32 },
      { requiredKeys: ['errno'] },
    );
    fc.assert(
      fc.property(message, answer, (request, given) => {
        fc.pre(given.kernelMessage?.includes('\0') !== true);
        const { flags, payload } = encodeAcknowledgement(request, given);
        expect(decodeAcknowledgement({ ...request, type: NLMSG_ERROR, flags, payload })).toEqual(given);
      }),
    );
  });

  test('the text behind a request that was copied whole is found', () => {
    const request = encodeMessage({ type: 19, flags: 5, sequence: 3, payload: new Uint8Array(10).fill(7) });
    const errno = new Uint8Array(new Int32Array([-22]).buffer);
    const text = bytesOfHex('0a000100 6e6f 7065 3f00 0000');
    const payload = new Uint8Array(Buffer.concat([errno, padded(request), text]));
    const ack = { type: NLMSG_ERROR, flags: NLM_F_ACK_TLVS, sequence: 3, portId: 0, payload };
    expect(decodeAcknowledgement(ack)).toEqual({ errno: 22, kernelMessage: 'nope?' });
  });

  test('the end of a dump can carry an errno and a text', () => {
    const payload = bytesOfHex('edffffff 08000100 6f682100');
    const done = { type: NLMSG_DONE, flags: NLM_F_ACK_TLVS, sequence: 1, portId: 0, payload };
    expect(decodeAcknowledgement(done)).toEqual({ errno: 19, kernelMessage: 'oh!' });
  });

  test.each([0x7fff_fffd, 0x8000_0000, 0xffff_ffff, 1000])(
    'a copied request that claims %i bytes hides no text and reads nothing else',
    (length) => {
      const payload = bytesOfHex('eaffffff 00000000 13000500 01000000 00000000 08000100 6f682100');
      new DataView(payload.buffer).setUint32(4, length, true);
      const ack = { type: NLMSG_ERROR, flags: NLM_F_ACK_TLVS, sequence: 1, portId: 0, payload };
      expect(decodeAcknowledgement(ack)).toEqual({ errno: 22 });
    },
  );

  test('one that is cut off is an acknowledgement without words', () => {
    const flags = NLM_F_ACK_TLVS | NLM_F_CAPPED;
    const cut = (payload: Uint8Array) =>
      decodeAcknowledgement({ type: NLMSG_ERROR, flags, sequence: 1, portId: 0, payload });
    expect(cut(new Uint8Array(0))).toEqual({ errno: 0 });
    expect(cut(bytesOfHex('ffffffff 0000'))).toEqual({ errno: 1 });
  });

  test('a refusal is an error with operation, errno and words', () => {
    const error = refusalOf('RTM_SETLINK 3', { errno: 16, kernelMessage: 'device is busy' });
    expect(error).toMatchObject({
      code: 'kernel.refused',
      message: 'RTM_SETLINK 3: EBUSY (Device or resource busy) (device is busy)',
      details: { operation: 'RTM_SETLINK 3', errno: 'EBUSY', kernelMessage: 'device is busy' },
    });
  });
});
