// Owns the kinds of findings about the way from a card to the root: links, sharing, isolation, packet sizes.

import type { FindingKinds } from '../finding-kind.ts';

export const pcieKinds = {
  'pcie.unread': {
    severity: 'unknown',
    title: 'Facts about the PCIe path could not be read',
    why: 'Nothing is said about what was not read; it may be good or bad.',
    todo: 'Run `sudo vfleet doctor` on the server itself, not in a container.',
  },
  'pcie.bandwidth.starved': {
    severity: 'warning',
    title: 'The PCIe link carries less than the card’s ports',
    why: 'Under load packets are dropped at the card, and no setting of a VF helps.',
    todo: 'Put the card in a slot with more lanes or a newer generation; when the link trained below its best, see pcie.link.degraded.',
  },
  'pcie.bandwidth.enough': {
    severity: 'ok',
    title: 'The PCIe link carries the card’s ports',
    why: 'All ports can run at full rate at once.',
  },
  'pcie.link.degraded': {
    severity: 'warning',
    title: 'A link runs below what both its ends can do',
    why: 'It trained badly (dirt, a riser, a damaged slot), or firmware limits it.',
    todo: 'Reseat the card and the riser; look at {linkSpeed}; `lspci -vv -s ADDRESS` shows LnkCap and LnkSta.',
  },
  'pcie.link.slot-limited': {
    severity: 'advice',
    title: 'The card could do more than its slot',
    why: 'The slot has fewer lanes or an older generation than the card.',
    todo: 'Put the card in a better slot when its ports need it; a bifurcated slot is set in {linkSpeed}.',
  },
  'pcie.link.below-catalogue': {
    severity: 'advice',
    title: 'The card’s link is smaller than the catalogue says',
    why: 'Cards of this kind have more lanes or a newer generation: this one is a smaller variant, emulated, or set so.',
    todo: 'Compare with the vendor’s data sheet of this part.',
  },
  'pcie.link.full': {
    severity: 'ok',
    title: 'All links run at their best',
    why: 'Nothing is lost between card and processor.',
  },
  'pcie.shared': {
    severity: 'advice',
    title: 'Other devices share the card’s way to the root',
    why: 'They take part of its bandwidth, and redundancy over two cards behind one port is none.',
    todo: 'Put one of them in a slot directly at a processor when both are busy.',
  },
  'pcie.acs.off': {
    severity: 'warning',
    title: 'A bridge above the card does not isolate',
    why: 'Without Access Control Services devices below one bridge can reach each other past the IOMMU; their VFs end up in one IOMMU group.',
    todo: 'Switch ACS on ({acs}) and update firmware, or use a slot directly at a processor. Not `pcie_acs_override`: it hides it.',
  },
  'pcie.acs.on': {
    severity: 'ok',
    title: 'All bridges above the card isolate',
    why: 'Requests between devices go through the IOMMU.',
  },
  'pcie.payload.mismatch': {
    severity: 'warning',
    title: 'A device sends larger packets than the next one takes',
    why: 'Such packets are errors on the bus: the device is lost or the machine stops.',
    todo: 'Add `pci=pcie_bus_safe` to the kernel command line, and update firmware ({payload}).',
  },
  'pcie.payload.small': {
    severity: 'advice',
    title: 'Packets could be larger',
    why: 'Each packet has 20 to 24 bytes of its own: at 128 bytes that is a sixth of the link.',
    todo: 'Set the maximum payload in firmware ({payload}), or add `pci=pcie_bus_perf` to the kernel command line.',
  },
  'pcie.read-request.small': {
    severity: 'advice',
    title: 'The card reads in small pieces',
    why: 'Sending needs one read request for each piece, and their latency adds up.',
    todo: 'Add `pci=pcie_bus_perf` to the kernel command line; vendors’ tuning guides name the best value, most often 512 to 4096.',
  },
  'pcie.payload.sizes': {
    severity: 'ok',
    title: 'Packet sizes fit',
    why: 'Payload and read requests are as large as the path takes.',
  },
  'pcie.errors.seen': {
    severity: 'warning',
    title: 'The bus has seen errors that were not corrected',
    why: 'They point to bad contact, a bad riser or a failing card.',
    todo: 'Reseat or replace the card; `/sys/bus/pci/devices/ADDRESS/aer_dev_nonfatal` and `aer_dev_fatal` name the kind.',
  },
  'pcie.parameter.noaer': {
    severity: 'advice',
    title: 'pci=noaer is on the kernel command line',
    why: 'Errors of the bus are neither counted nor recovered: a dying card is noticed late.',
    todo: 'Remove `noaer` from `pci=`, and mend what made somebody add it.',
  },
  'pcie.parameter.realloc': {
    severity: 'ok',
    title: 'pci=realloc is on the kernel command line',
    why: 'The kernel may move address space where firmware left too little for VFs.',
  },
} as const satisfies FindingKinds<'pcie'>;
