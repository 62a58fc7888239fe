// Owns the build of virtqemud, libvirt's modular daemon for QEMU, which Debian does not package: libvirt's own source,
// unchanged, linked with Debian's libraries of the same version. Nothing else of libvirt is built.

import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { renderSourcePackages } from '../../../src/lab/apt-source.ts';
import { unpackPackages } from '../../../src/lab/debian.ts';
import { readAptSources } from '../../../src/lab/packages.ts';
import { runProgram } from '../../../src/lab/program.ts';
import type { OfferedLibvirt } from './packages.ts';

const headerPackages = ['libglib2.0-dev', 'libxml2-dev', 'libtirpc-dev'];
const libraryFolder = 'usr/lib/x86_64-linux-gnu';

/** What libvirt's meson.build finds out, as far as the daemon's own files ask for it. */
function configurationHeader(version: string): string {
  const [major = 0, minor = 0, micro = 0] = version.split('.').map(Number);
  const names = ['PACKAGE', 'PACKAGE_NAME'].map((name) => [name, '"libvirt"']);
  const versions = ['PACKAGE_VERSION', 'VERSION'].map((name) => [name, JSON.stringify(version)]);
  const found = ['REMOTE', 'POLKIT', 'LIBINTL_H', 'SYSLOG_H', 'GETUID', 'GETEUID', 'GETGID', 'GETEGID'];
  return renderDefines([
    ...names,
    ...versions,
    ['LIBVIRT_VERSION_NUMBER', String((major * 1000 + minor) * 1000 + micro)],
    ...found.map((name) => [`WITH_${name}`, '1']),
  ]);
}

/** The folders that Debian builds libvirt for. */
const foldersHeader = renderDefines(
  Object.entries({
    BINDIR: '/usr/bin',
    DATADIR: '/usr/share',
    LIBDIR: `/${libraryFolder}`,
    LIBEXECDIR: '/usr/lib/libvirt',
    LOCALEDIR: '/usr/share/locale',
    LOCALSTATEDIR: '/var',
    PKGDATADIR: '/usr/share/libvirt',
    PREFIX: '/usr',
    RUNSTATEDIR: '/run',
    SBINDIR: '/usr/sbin',
    SYSCONFDIR: '/etc',
  }).map(([name, path]) => [name, JSON.stringify(path)]),
);

/** As src/qemu/meson.build has it. */
const daemonDefines = ['-DDAEMON_NAME="virtqemud"', '-DMODULE_NAME="qemu"'];
const daemonFiles = [
  'remote/remote_daemon.c',
  'remote/remote_daemon_config.c',
  'remote/remote_daemon_dispatch.c',
  'remote/remote_daemon_stream.c',
  'admin/admin_server.c',
  'admin/admin_server_dispatch.c',
];
const includedFolders = ['', 'remote', 'rpc', 'util', 'conf', 'admin', 'access', 'logging'];
const includedPackages = [
  'usr/include/glib-2.0',
  `${libraryFolder}/glib-2.0/include`,
  'usr/include/libxml2',
  'usr/include/tirpc',
];
const ownLibraries = ['libvirt.so.0', 'libvirt-qemu.so.0', 'libvirt-lxc.so.0'];
const otherLibraries = ['libtirpc.so.3', 'libglib-2.0.so.0', 'libgobject-2.0.so.0', 'libgio-2.0.so.0'];

/** Builds virtqemud for an unpacked libvirt and puts it there. Fails with the reason where it cannot be built. */
export async function buildVirtqemud(libvirt: OfferedLibvirt, root: string): Promise<void> {
  const work = await mkdtemp(`${root}-build-`);
  try {
    const source = await fetchSource(libvirt, work);
    const headers = join(work, 'headers');
    await mkdir(headers);
    await unpackPackages(headerPackages, headers, undefined);
    const generated = join(work, 'generated');
    await generateCode(source, generated, libvirt.upstream);

    const includes = [
      generated,
      join(source, 'include'),
      ...includedFolders.map((name) => join(source, 'src', name)),
      ...includedPackages.map((name) => join(headers, name)),
      source,
    ].map((folder) => `-I${folder}`);
    const flags = [
      '-O1',
      '-w',
      '-std=gnu99',
      '-fPIE',
      '-D_GNU_SOURCE',
      '-include',
      'config.h',
      ...daemonDefines,
    ];
    const files = [
      ...daemonFiles.map((name) => join(source, 'src', name)),
      ...['qemu', 'lxc', 'admin'].map((name) => join(generated, `${name}_protocol.c`)),
    ];
    const libraries = join(root, libraryFolder);
    const program = join(work, 'virtqemud');
    await runProgram('gcc', [
      '-pie',
      '-o',
      program,
      ...flags,
      ...includes,
      ...files,
      ...ownLibraries.map((name) => join(libraries, name)),
      ...otherLibraries.map((name) => `-l:${name}`),
      `-Wl,-rpath-link,${libraries}`,
    ]);
    await cp(program, join(root, 'usr/sbin/virtqemud'));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Unpacks the source of libvirt; its folder. apt's own lists and sources stay as they are. */
async function fetchSource({ version, upstream, suite }: OfferedLibvirt, work: string): Promise<string> {
  const stanza = renderSourcePackages(await readAptSources(), suite);
  if (stanza === undefined) throw new Error(`apt has no source of ${suite}`);
  const sources = join(work, 'sources');
  await mkdir(sources);
  await writeFile(join(sources, 'source.sources'), stanza);
  for (const name of ['lists/partial', 'cache/archives/partial'])
    await mkdir(join(work, name), { recursive: true });
  const options = [
    'APT::Sandbox::User=root',
    'Acquire::Retries=3',
    'Dir::Etc::SourceList=/dev/null',
    `Dir::Etc::SourceParts=${sources}`,
    `Dir::State::Lists=${join(work, 'lists')}`,
    `Dir::Cache=${join(work, 'cache')}`,
  ].flatMap((option) => ['-o', option]);
  await runProgram('apt-get', ['-q', ...options, 'update'], { cwd: work });
  // Debian's patches touch nothing of the daemon.
  const download = ['source', '--download-only', '--tar-only', `libvirt=${version}`];
  await runProgram('apt-get', ['-q', ...options, ...download], { cwd: work });
  await runProgram('tar', ['-xJf', `libvirt_${upstream}.orig.tar.xz`], { cwd: work });
  return join(work, `libvirt-${upstream}`);
}

/** What libvirt's build makes of its protocol files, with its own generators. */
async function generateCode(source: string, folder: string, version: string): Promise<void> {
  await mkdir(join(folder, 'libvirt'), { recursive: true });
  await mkdir(join(folder, 'admin'));
  await writeFile(join(folder, 'meson-config.h'), configurationHeader(version));
  await writeFile(join(folder, 'configmake.h'), foldersHeader);
  const template = await runProgram('sed', [
    `s/@VERSION@/${version}/; s/@LIBVIRT_VERSION_NUMBER@/LIBVIRT_VERSION_NUMBER/`,
    join(source, 'include/libvirt/libvirt-common.h.in'),
  ]);
  await writeFile(join(folder, 'libvirt/libvirt-common.h'), template);

  const rpcgen = async (...args: readonly string[]): Promise<unknown> =>
    runProgram('python3', [join(source, 'scripts/rpcgen/main.py'), ...args]);
  const dispatch = async (mode: string, name: string, protocol: string, output: string): Promise<void> => {
    const program = join(source, 'src/rpc/gendispatch.pl');
    const text = await runProgram('perl', [program, `--mode=${mode}`, name, name.toUpperCase(), protocol]);
    await writeFile(join(folder, output), text);
  };
  for (const name of ['virnetprotocol', 'virkeepaliveprotocol']) {
    await rpcgen('--mode=header', join(source, `src/rpc/${name}.x`), join(folder, `${name}.h`));
  }
  for (const name of ['remote', 'qemu', 'lxc']) {
    const protocol = join(source, `src/remote/${name}_protocol.x`);
    const header = `${name}_protocol.h`;
    await rpcgen('--mode=header', protocol, join(folder, header));
    await rpcgen('--mode=source', `--header=${header}`, protocol, join(folder, `${name}_protocol.c`));
    await dispatch('server', name, protocol, `${name}_daemon_dispatch_stubs.h`);
    await dispatch('aclheader', name, protocol, `viraccessapicheck${name === 'remote' ? '' : name}.h`);
  }
  const admin = join(source, 'src/admin/admin_protocol.x');
  await rpcgen('--mode=header', admin, join(folder, 'admin/admin_protocol.h'));
  await cp(join(folder, 'admin/admin_protocol.h'), join(folder, 'admin_protocol.h'));
  await rpcgen('--mode=source', '--header=admin_protocol.h', admin, join(folder, 'admin_protocol.c'));
  await dispatch('server', 'admin', admin, 'admin_server_dispatch_stubs.h');
}

function renderDefines(defines: readonly (readonly string[])[]): string {
  return defines.map(([name = '', value = '']) => `#define ${name} ${value}\n`).join('');
}
