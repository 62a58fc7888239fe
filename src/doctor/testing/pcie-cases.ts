// Owns one way to bring about each kind of finding about the way to the root: what to break, and what the finding then says.

import type { Cases } from './case.ts';
import { commandLine, deviceOf, notRead, pf, pfOf, platformOf, unread } from './case.ts';

export const pcieCases: Cases<'pcie'> = {
  'pcie.unread': { breakIt: unread('pfs.0000:98:00.0.pciePath'), says: notRead },
  'pcie.bandwidth.starved': {
    breakIt: (host) => {
      for (const fn of [0, 1])
        for (const end of [0, 1])
          deviceOf(host, end, fn).link = {
            currentSpeedGTps: 8,
            currentWidth: 16,
            maxSpeedGTps: 8,
            maxWidth: 16,
          };
      for (const fn of [0, 1]) deviceOf(host, 0, fn).link = deviceOf(host, 1, fn).link;
    },
    says: /^2 × 100 Gb\/s ports behind 1\d\d\.\d Gb\/s: starved; one port alone fits/,
    also: ['pcie.link.below-catalogue'],
  },
  'pcie.link.degraded': {
    breakIt: (host) => {
      for (const fn of [0, 1])
        for (const end of [0, 1]) {
          const device = deviceOf(host, end, fn);
          device.link = { ...device.link, currentWidth: 8 };
        }
      // One port alone, so that the link is still wide enough.
      host.pfs.splice(1);
    },
    says: /from 0000:98:00\.0 to 0000:97:01\.0 runs at 16 GT\/s x8, both ends can do 16 GT\/s x16/,
  },
  'pcie.link.slot-limited': {
    breakIt: (host) => {
      host.pfs.splice(1);
      deviceOf(host, 0).link = { currentSpeedGTps: 16, currentWidth: 8, maxSpeedGTps: 16, maxWidth: 16 };
      deviceOf(host, 1).link = { currentSpeedGTps: 16, currentWidth: 8, maxSpeedGTps: 16, maxWidth: 8 };
    },
    says: /the slot gives 16 GT\/s x8, the card can do 16 GT\/s x16/,
  },
  'pcie.link.below-catalogue': {
    breakIt: (host) => {
      host.pfs.splice(1);
      deviceOf(host, 0).link = { currentSpeedGTps: 16, currentWidth: 8, maxSpeedGTps: 16, maxWidth: 8 };
      deviceOf(host, 1).link = { currentSpeedGTps: 16, currentWidth: 8, maxSpeedGTps: 16, maxWidth: 16 };
    },
    says: /the card’s own best is 16 GT\/s x8, ConnectX-6 Dx has 16 GT\/s x16/,
  },
  'pcie.shared': {
    breakIt: (host) => {
      for (const fn of [0, 1]) deviceOf(host, 1, fn).alsoBelow = ['0000:98:00.1', '0000:99:00.0'];
    },
    says: /^below 0000:97:01\.0 there are also 0000:99:00\.0$/,
  },
  'pcie.acs.off': {
    breakIt: (host) => {
      pfOf(host).acsIsolates = false;
      deviceOf(host, 1).acs = {
        capable: ['sourceValidation', 'requestRedirect'],
        enabled: ['sourceValidation'],
      };
      const { groups } = platformOf(host).iommu;
      groups.find(({ id }) => id === pfOf(host).iommuGroup)?.devices.push('0000:98:00.1');
    },
    says: /0000:97:01\.0 \(off: requestRedirect\)/,
  },
  'pcie.payload.mismatch': {
    breakIt: (host) => (deviceOf(host, 1).maxPayloadBytes = 256),
    says: /sends up to 512 bytes, 0000:97:01\.0 takes 256/,
  },
  'pcie.payload.small': {
    breakIt: (host) => {
      for (const index of [0, 1]) deviceOf(host, index).maxPayloadBytes = 128;
    },
    says: /up to 128 bytes, every device on the way could take 512/,
  },
  'pcie.read-request.small': {
    breakIt: (host) => (deviceOf(host, 0).maxReadRequestBytes = 128),
    says: /reads 128 bytes/,
  },
  'pcie.errors.seen': {
    breakIt: pf((each) => (each.aer = { correctable: 0, fatal: 1, nonFatal: 4 })),
    says: /1 fatal and 4 other/,
  },
  'pcie.parameter.noaer': { breakIt: commandLine('pci=noaer'), says: /noaer/ },
};
