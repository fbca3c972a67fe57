import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { fileSystemType, refuseNetworkFileSystem } from './network-file-system.js';

/** Lines as the kernel's documentation of /proc/PID/mountinfo shows them. */
const MOUNT_INFO = `22 1 259:2 / / rw,relatime shared:1 - ext4 /dev/root rw
30 22 0:26 / /tmp rw,nosuid - tmpfs tmpfs rw
36 22 0:31 / /mnt/share rw,relatime shared:7 master:2 - nfs4 server:/export rw,vers=4.2
37 36 0:33 / /mnt/share/local rw - xfs /dev/sdb1 rw
38 22 0:34 / /mnt/with\\040blank rw - fuse.sshfs host: rw
39 22 0:35 / /mnt/over rw - ext4 /dev/sdc1 rw
40 39 0:36 / /mnt/over rw - cifs //server/share rw
`;

test.each([
  ['/home/me/.ballast', 'ext4'],
  ['/tmp', 'tmpfs'],
  ['/tmpx', 'ext4'],
  ['/mnt/share/project/.ballast', 'nfs4'],
  ['/mnt/share/local/.ballast', 'xfs'],
  ['/mnt/with blank/.ballast', 'fuse.sshfs'],
  ['/mnt/over/x', 'cifs'],
])('%s is on %s', (path, type) => {
  expect(fileSystemType(path, MOUNT_INFO)).toBe(type);
});

test('a broken mount table tells nothing', () => {
  expect(fileSystemType('/x', '')).toBeUndefined();
  expect(fileSystemType('/x', 'nonsense\n1 2 3 / /')).toBeUndefined();
});

test('a local folder is not refused, nor one that does not exist yet', () => {
  refuseNetworkFileSystem(tmpdir());
  refuseNetworkFileSystem(`${tmpdir()}/not/there/yet`);
});
