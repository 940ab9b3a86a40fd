package osproc

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// slowFilesystems are the types that make a bad spool, with what is wrong about each.
var slowFilesystems = map[int64]struct{ name, why string }{
	unix.OVERLAYFS_SUPER_MAGIC: {"overlay", "the container's own layer is slow and its size is the host's concern"},
	unix.TMPFS_MAGIC:           {"tmpfs", "spooled bodies count as memory there"},
	unix.RAMFS_MAGIC:           {"ramfs", "spooled bodies count as memory there"},
	unix.NFS_SUPER_MAGIC:       {"nfs", "a network that stalls would stall uploads"},
	unix.CIFS_SUPER_MAGIC:      {"cifs", "a network that stalls would stall uploads"},
	unix.SMB2_SUPER_MAGIC:      {"smb", "a network that stalls would stall uploads"},
	unix.SMB_SUPER_MAGIC:       {"smb", "a network that stalls would stall uploads"},
	unix.FUSE_SUPER_MAGIC:      {"fuse", "another process stands behind every write"},
	unix.V9FS_MAGIC:            {"9p", "another machine stands behind every write"},
	unix.CEPH_SUPER_MAGIC:      {"ceph", "a network that stalls would stall uploads"},
	unix.AFS_SUPER_MAGIC:       {"afs", "a network that stalls would stall uploads"},
}

// SpoolWarning says what is wrong with dir as a place for spooled bodies, "" if nothing is.
func SpoolWarning(dir string) string {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return fmt.Sprintf("the file system of the spool %s is unknown: %v", dir, err)
	}
	// The type is 32 bits wide and sign-extended on some machines.
	f, slow := slowFilesystems[int64(uint32(st.Type))]
	if !slow {
		return ""
	}
	return fmt.Sprintf("the spool %s lies on %s: %s; set body-spool to a directory on a local disk (a volume or emptyDir)",
		dir, f.name, f.why)
}
