// Owns the screens of `vfleet attach` and `vfleet detach`: what a VM got, why it got none, and what became of
// what it had.

import type { Attachment, CandidateVerdict, Release } from '../../model/attachment.ts';
import type { Lease } from '../../model/lease.ts';
import type { VfSettings } from '../../model/vf.ts';
import type { Terminal } from '../context.ts';
import { describeOwner, nameVf } from './leases.ts';
import { cutName, nameInSentence, wrapText } from './table.ts';

/** Lines that say what a VM got. */
export function renderAttachment({ lease }: Attachment, terminal: Terminal): string[] {
  const { key, address, owner, network, settings, standby, acceptedRisks } = lease;
  const { vlan = 0 } = settings;
  const place = address === undefined ? nameVf(key) : `${nameVf(key)} (${address})`;
  const facts = [
    describeSettings(settings),
    ...(standby === undefined
      ? []
      : [`standby for failover: virtio on ${standby.kind} ${standby.bridge}, same MAC`]),
    ...(standby?.kind === 'bridge' && vlan > 0
      ? [`${standby.bridge} must be on VLAN ${vlan} by itself: a port of a Linux bridge is given no tag`]
      : []),
    holdText(lease),
    ...(acceptedRisks.length === 0 ? [] : [`accepted: ${acceptedRisks.join(', ')}`]),
  ];
  const { widthColumns } = terminal;
  const title = `${cutName(describeOwner(owner), nameInSentence)} has ${place} on network ${network}.`;
  return [
    ...wrapText(title, '', widthColumns).map((line) => terminal.style('green', line)),
    ...facts.flatMap((fact) => wrapText(fact, '  ', terminal.widthColumns)),
  ];
}

function holdText({ owner }: Lease): string {
  if (owner.kind === 'qemu') return 'held until its process ends';
  return owner.hold === 'live'
    ? 'held until the VM stops; --persistent would keep it through stops'
    : 'held through stops, until `vfleet detach` or the VM is undefined';
}

function describeSettings(settings: VfSettings): string {
  const { mac, vlan = 0, qos = 0, minTxRateMbps: min = 0, maxTxRateMbps: max = 0 } = settings;
  const { spoofCheck, trust, linkState } = settings;
  const rate = min === 0 ? `at most ${max} Mb/s` : `${min} to ${max === 0 ? 'any' : max} Mb/s`;
  return [
    ...(mac === undefined ? [] : [`MAC ${mac}`]),
    vlan === 0 ? 'untagged' : `VLAN ${vlan}${qos === 0 ? '' : ` qos ${qos}`}`,
    ...(min === 0 && max === 0 ? [] : [rate]),
    ...(spoofCheck === undefined ? [] : [`spoof check ${spoofCheck ? 'on' : 'off'}`]),
    ...(trust === undefined ? [] : [`trust ${trust ? 'on' : 'off'}`]),
    ...(linkState === undefined || linkState === 'auto' ? [] : [`link ${linkState}`]),
  ].join(', ');
}

/** Words for a number of VFs that one reason stands against, by the reason's code; others are named by the code. */
const reasonWords: Readonly<Record<string, string>> = {
  holder: 'in use',
  'lease-corrupt': 'with a lease that cannot be understood',
  network: 'on ports that do not reach it',
  pool: 'not for VMs',
  spread: 'on a card that it uses already',
};

/** Counts of the reasons against VFs, the most frequent first: `6 leased, 1 quarantined`. */
export function countReasons(verdicts: readonly CandidateVerdict[]): string {
  const counts = new Map<string, number>();
  for (const { rank, excluded } of verdicts) {
    const code = excluded[0]?.code;
    if (rank === undefined && code !== undefined) counts.set(code, (counts.get(code) ?? 0) + 1);
  }
  return [...counts]
    .toSorted(([, a], [, b]) => b - a)
    .map(([code, count]) => `${count} ${reasonWords[code] ?? code}`)
    .join(', ');
}

/** A line per VF that was to be given back. */
export function renderReleases(releases: readonly Release[], terminal: Terminal): string[] {
  const { widthColumns } = terminal;
  return releases.flatMap(({ key, owner, network, result, why }) => {
    const name = cutName(owner, nameInSentence);
    const vf = `${nameVf(key)} (${network})`;
    const reason = why === undefined ? '.' : `: ${why}`;
    switch (result) {
      case 'free':
        return wrapText(
          `${name} has given back ${vf}: clean and free${why === undefined ? '' : `; ${why}`}.`,
          '',
          widthColumns,
        );
      case 'quarantined':
        return wrapText(`${vf}, taken from ${name}, is in quarantine${reason}`, '', widthColumns).map(
          (line) => terminal.style('red', line),
        );
      case 'kept':
        return wrapText(`${name} keeps ${vf}${reason}`, '', widthColumns).map((line) =>
          terminal.style('yellow', line),
        );
    }
  });
}
