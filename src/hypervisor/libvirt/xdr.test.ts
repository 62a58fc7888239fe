import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { outcomeOf } from './outcome.fixture.ts';
import { procedures, remoteError, TypedParam, typedParam } from './remote-protocol.ts';
import type { Codec } from './xdr.ts';
import {
  decodeXdr,
  encodeXdr,
  xdrArray,
  xdrDouble,
  xdrFixedOpaque,
  xdrHyper,
  xdrInt,
  xdrOpaque,
  xdrOptional,
  xdrString,
  xdrStruct,
  xdrUint,
  xdrUnsignedHyper,
} from './xdr.ts';

const malformed: unknown = expect.objectContaining({ code: 'hypervisor.malformed' });
const bug: unknown = expect.objectContaining({ code: 'internal.bug' });

const text = fc.string({ unit: 'binary' }).filter((value) => !value.includes('\0'));
const int = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });
const uint = fc.integer({ min: 0, max: 0xffff_ffff });
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
const uuid = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((array) => Buffer.from(array));
const dom = fc.record({ name: text, uuid, id: int });
const param = fc.oneof(
  fc.record({ type: fc.constantFrom(TypedParam.int, TypedParam.boolean), value: int }),
  fc.record({ type: fc.constant(TypedParam.uint), value: uint }),
  fc.record({ type: fc.constant(TypedParam.llong), value: int64 }),
  fc.record({ type: fc.constant(TypedParam.ullong), value: uint64 }),
  fc.record({ type: fc.constant(TypedParam.double), value: fc.double({ noNaN: true }) }),
  fc.record({ type: fc.constant(TypedParam.string), value: text }),
);

function expectBack<T>(codec: Codec<T>, arbitrary: fc.Arbitrary<T>): void {
  fc.assert(
    fc.property(arbitrary, (value) => {
      const encoded = encodeXdr(codec, value);
      expect(encoded.length % 4).toBe(0);
      expect(decodeXdr(codec, encoded)).toEqual(value);
    }),
  );
}

describe('XDR', () => {
  test('gives back what was written, type by type', () => {
    expect.hasAssertions();
    expectBack(xdrInt, int);
    expectBack(xdrUint, uint);
    expectBack(xdrHyper, int64);
    expectBack(xdrUnsignedHyper, uint64);
    expectBack(xdrDouble, fc.double());
    expectBack(xdrFixedOpaque(16), uuid);
    expectBack(xdrOpaque(40), bytes);
    expectBack(xdrString(1000), text);
    expectBack(xdrOptional(xdrString(1000)), fc.option(text, { nil: undefined }));
    expectBack(xdrArray(xdrInt, 10), fc.array(int, { maxLength: 10 }));
    expectBack(xdrStruct({ a: xdrInt, b: xdrString(1000) }), fc.record({ a: int, b: text }));
  });

  test('gives back what was written, message by message', () => {
    expect.hasAssertions();
    expectBack(procedures.domainAttachDeviceFlags.args, fc.record({ dom, xml: text, flags: uint }));
    expectBack(
      procedures.domainPinVcpuFlags.args,
      fc.record({ dom, vcpu: uint, cpuMap: bytes, flags: uint }),
    );
    const params = fc.array(fc.record({ field: text, value: param }), { maxLength: 5 });
    expectBack(
      procedures.connectGetAllDomainStats.ret,
      fc.record({ records: fc.array(fc.record({ dom, params }), { maxLength: 3 }) }),
    );
    const optionalText = fc.option(text, { nil: undefined });
    expectBack(
      remoteError,
      fc.record({
        code: int,
        domain: int,
        message: optionalText,
        level: int,
        dom: fc.option(dom, { nil: undefined }),
        str1: optionalText,
        str2: optionalText,
        str3: optionalText,
        int1: int,
        int2: int,
        net: fc.option(fc.record({ name: text, uuid }), { nil: undefined }),
      }),
    );
  });

  test('is laid out as RFC 4506 says', () => {
    expect(
      encodeXdr(xdrStruct({ name: xdrString(10), id: xdrInt }), { name: 'vm-12', id: -1 }).toString('hex'),
    ).toBe('00000005766d2d3132000000ffffffff');
    expect(encodeXdr(typedParam, { field: 'a', value: { type: 4, value: 258n } }).toString('hex')).toBe(
      '0000000161000000000000040000000000000102',
    );
  });

  test('says of cut, lengthened and senseless bytes that they are malformed', () => {
    const whole = encodeXdr(procedures.domainGetXmlDesc.ret, { xml: '<domain/>' });
    for (let length = 0; length < whole.length; length += 1) {
      expect(() => decodeXdr(procedures.domainGetXmlDesc.ret, whole.subarray(0, length))).toThrow(malformed);
    }
    expect(() => decodeXdr(procedures.domainGetXmlDesc.ret, Buffer.concat([whole, Buffer.alloc(4)]))).toThrow(
      malformed,
    );
    for (const hex of ['00000002610000000', 'ffffffff', '00000001610000010', '0000000100000000']) {
      expect(() => decodeXdr(xdrString(10), Buffer.from(hex, 'hex'))).toThrow(malformed);
    }
    expect(() => decodeXdr(xdrOptional(xdrInt), Buffer.from('0000000200000000', 'hex'))).toThrow(malformed);
    expect(() => decodeXdr(typedParam, Buffer.from('000000016100000000000009', 'hex'))).toThrow(malformed);
  });

  test('takes any bytes for a message, or says that they are malformed', () => {
    const codecs = [
      remoteError,
      procedures.connectGetAllDomainStats.ret,
      procedures.connectListAllDomains.ret,
      procedures.domainGetVcpuPinInfo.ret,
    ] as readonly Codec<unknown>[];
    fc.assert(
      fc.property(fc.constantFrom(...codecs), fc.uint8Array({ maxLength: 300 }), (codec, array) => {
        const { code = 'hypervisor.malformed', value } = outcomeOf(() =>
          decodeXdr(codec, Buffer.from(array)),
        );
        expect(code).toBe('hypervisor.malformed');
        const again = value === undefined ? undefined : decodeXdr(codec, encodeXdr(codec, value));
        expect(again).toEqual(value);
      }),
      { numRuns: 1000 },
    );
  });

  test('an announced million of items costs nothing before they come', () => {
    const announced = Buffer.alloc(4);
    announced.writeUInt32BE(16_384);
    expect(() => decodeXdr(procedures.connectListAllDomains.ret, announced)).toThrow(malformed);
    announced.writeUInt32BE(16_385);
    expect(() => decodeXdr(procedures.connectListAllDomains.ret, announced)).toThrow(malformed);
  });

  test('never sends what the other side would cut or refuse', () => {
    expect(() => encodeXdr(xdrString(10), 'web-1\0x')).toThrow(bug);
    expect(() => encodeXdr(xdrString(3), 'four')).toThrow(bug);
    expect(() => encodeXdr(xdrOpaque(3), Buffer.alloc(4))).toThrow(bug);
    expect(() => encodeXdr(xdrFixedOpaque(16), Buffer.alloc(4))).toThrow(bug);
    expect(() => encodeXdr(xdrArray(xdrInt, 1), [1, 2])).toThrow(bug);
  });
});
