import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, encodeAttribute } from '../../kernel/netlink/attributes.ts';
import { NetlinkClient } from '../../kernel/netlink/client.ts';
import { decodeMessages, encodeMessage, NLMSG_ERROR } from '../../kernel/netlink/message.ts';
import { encodeIfInfo, listLinks, readLink } from '../../kernel/rtnetlink/link.ts';
import { openWithVfs } from '../testing/opened-host.ts';

describe('hostile bytes', () => {
  const header = fc.record({
    type: fc.oneof(fc.constantFrom(16, 18, 19, 20, 21, 22), fc.nat(0xffff)),
    flags: fc.oneof(fc.constantFrom(1, 5, 0x301, 0x305), fc.nat(0xffff)),
    sequence: fc.nat(),
  });

  it.each(['route', 'generic'] as const)('do not break the %s socket', async (protocol) => {
    const { kernel } = await openWithVfs('igb', 2);
    await fc.assert(
      fc.asyncProperty(
        header,
        fc.uint8Array({ maxLength: 200 }),
        fc.uint8Array({ maxLength: 40 }),
        async (head, payload, rest) => {
          const socket = kernel.openNetlink(protocol);
          await socket.send(concatBytes([encodeMessage({ ...head, payload }), rest]));
          await socket.send(rest);
          socket.close();
        },
      ),
      { numRuns: 3000 },
    );
    const client = new NetlinkClient(kernel.openNetlink('route'));
    expect(await listLinks(client)).toHaveLength(5);
  });

  it('inside a VF list are refused and change nothing else', async () => {
    const opened = await openWithVfs('igb', 2);
    const { kernel, client, ifIndex } = opened;
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 120 }), async (bytes) => {
        const socket = kernel.openNetlink('route');
        const list = encodeAttribute(22, encodeAttribute(1, bytes));
        const payload = concatBytes([encodeIfInfo({ ifIndex }), list]);
        await socket.send(encodeMessage({ type: 19, flags: 5, sequence: 1, payload }));
        const [answer] = decodeMessages(await socket.receive());
        expect(answer?.type).toBe(NLMSG_ERROR);
        socket.close();
      }),
      { numRuns: 2000 },
    );
    expect((await readLink(client, ifIndex, { vfs: true })).vfs).toHaveLength(2);
  });
});
