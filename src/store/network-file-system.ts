import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { BallastError } from '../errors.js';

/** File systems, as Linux names them, whose locks or shared memory SQLite's WAL cannot rely on. */
const NETWORK_FILE_SYSTEMS = new Set([
  'nfs',
  'nfs4',
  'cifs',
  'smb3',
  'smbfs',
  'ncpfs',
  '9p',
  'afs',
  'ceph',
  'lustre',
  'gpfs',
  'beegfs',
  'glusterfs',
  'davfs',
  'fuse.ceph',
  'fuse.davfs2',
  'fuse.gcsfuse',
  'fuse.glusterfs',
  'fuse.rclone',
  'fuse.s3fs',
  'fuse.sshfs',
]);

/**
 * Refuses a folder on a network file system, where SQLite's write-ahead log would corrupt or lose data.
 *
 * Detected on Linux from the mount table and on Windows from a `\\server\share` path; elsewhere it cannot be told and
 * nothing is refused.
 *
 * @throws BallastError `STORE_ON_NETWORK`
 */
export function refuseNetworkFileSystem(folder: string): void {
  const type = process.platform === 'win32' ? windowsShare(folder) : linuxFileSystem(folder);
  if (type === undefined || !NETWORK_FILE_SYSTEMS.has(type)) return;
  throw new BallastError(`The store's folder is on a network file system (${type}), where SQLite is not safe`, {
    code: 'STORE_ON_NETWORK',
    place: folder,
    remedy: 'Choose a folder on a local disk, or a postgres:// store to share it between machines.',
  });
}

/**
 * The type of the file system a real path is on, by the longest mount point that contains it; of two mounts on one
 * point, the later one.
 *
 * @param mountInfo the text of /proc/self/mountinfo (see proc_pid_mountinfo(5))
 */
export function fileSystemType(path: string, mountInfo: string): string | undefined {
  let best: { point: string; type: string } | undefined;
  for (const line of mountInfo.split('\n')) {
    const fields = line.split(' ');
    const separator = fields.indexOf('-', 6);
    const point = fields[4]?.replace(/\\([0-7]{3})/g, (_all, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    const type = separator === -1 ? undefined : fields[separator + 1];
    if (point === undefined || type === undefined || !contains(point, path)) continue;
    if (best === undefined || point.length >= best.point.length) best = { point, type };
  }
  return best?.type;
}

function contains(point: string, path: string): boolean {
  return point === '/' || path === point || path.startsWith(`${point}/`);
}

function linuxFileSystem(folder: string): string | undefined {
  if (process.platform !== 'linux' || !existsSync('/proc/self/mountinfo')) return undefined;
  let existing = folder;
  while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing);
  return fileSystemType(realpathSync(existing), readFileSync('/proc/self/mountinfo', 'utf8'));
}

function windowsShare(folder: string): string | undefined {
  return /^\\\\[^?.]/.test(folder) || /^\\\\\?\\UNC\\/i.test(folder) ? 'smbfs' : undefined;
}
