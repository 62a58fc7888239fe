// Owns the validated hardware list: the YAML file in which an organisation keeps the combinations that it has tested.
// The shape of the file only; how it is compared with a host is src/validated's.

import { z } from 'zod';

const idPair = /^[0-9A-Fa-f]{4}:[0-9A-Fa-f]{4}$/;
/** Longer than any name of a server or note that fits a line. */
const maxTextLength = 1000;

const Text = z.string().min(1).max(maxTextLength);

const Range = z
  .string()
  .min(1)
  .max(256)
  .describe(
    'One version (22.5.7), all that begin alike (22.5.*), any (*), or bounds that must all hold (>=6.1 <6.13).',
  );

export const ValidatedEntry = z
  .strictObject({
    name: Text.optional().describe('What people call this combination.'),
    server: z
      .strictObject({
        vendor: Text.optional().describe('Vendor as the firmware writes it (DMI), such as Dell Inc.'),
        product: Text.optional().describe('Product as the firmware writes it (DMI), such as PowerEdge R740.'),
      })
      .optional()
      .describe('The server. Absent: any.'),
    nic: z
      .strictObject({
        id: z
          .string()
          .regex(idPair, 'is no PCI ID such as 8086:1592')
          .describe('PCI vendor and device ID of the PF, such as 8086:1592.'),
        subsystem: z
          .string()
          .regex(idPair, 'is no PCI ID such as 8086:0002')
          .optional()
          .describe('PCI subsystem vendor and device ID, such as 8086:0002. Absent: any.'),
      })
      .describe('The card.'),
    firmware: Range.optional().describe(
      'Firmware of the card, a version or a range: 22.5.7, 22.5.*, >=4.40 <5. Absent: any.',
    ),
    driver: z
      .strictObject({
        name: Text.describe('Name of the driver of the PF, such as ice.'),
        version: Range.optional().describe(
          "Its own version, a version or a range; leave it out for drivers of the kernel, whose version is the kernel's.",
        ),
      })
      .optional()
      .describe('Driver of the PF. Absent: any.'),
    kernel: Range.optional().describe('Release of the kernel (uname -r), a version or a range. Absent: any.'),
    hypervisor: z
      .strictObject({
        qemu: Range.optional().describe('Version of QEMU, a version or a range.'),
        libvirt: Range.optional().describe('Version of libvirt, a version or a range.'),
      })
      .optional()
      .describe('What runs the virtual machines. Absent: anything.'),
    note: Text.optional().describe('Anything for people: who tested it, when, where the report is.'),
  })
  .describe('A combination that was tested. What it does not name may be anything.');
export type ValidatedEntry = z.infer<typeof ValidatedEntry>;

export const ValidatedList = z.strictObject({
  apiVersion: z.literal('vfleet/v1').describe('Version of this format.'),
  kind: z.literal('ValidatedHardware').describe('What the file is.'),
  entries: z.array(ValidatedEntry).describe('The combinations.'),
});
export type ValidatedList = z.infer<typeof ValidatedList>;
