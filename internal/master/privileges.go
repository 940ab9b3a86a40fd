package master

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// identity is who the server shall run as. -1 leaves a number as it is.
type identity struct {
	uid, gid int
	name     string // of the user, for its supplementary groups; "" when it has none
}

// lookUp finds the user and group of the options uid and gid, by name or number.
func lookUp(uid, gid string) (identity, error) {
	id := identity{uid: -1, gid: -1}
	if uid != "" {
		u, err := user.Lookup(uid)
		if err != nil {
			u, err = user.LookupId(uid)
		}
		switch {
		case err == nil:
			id.uid, _ = strconv.Atoi(u.Uid)
			id.name = u.Username
		default:
			n, bad := strconv.Atoi(uid)
			if bad != nil || n < 0 {
				return id, fmt.Errorf("uid: there is no user %q here: add it, or give a number", uid)
			}
			id.uid = n
		}
	}
	if gid != "" {
		g, err := user.LookupGroup(gid)
		if err != nil {
			g, err = user.LookupGroupId(gid)
		}
		switch {
		case err == nil:
			id.gid, _ = strconv.Atoi(g.Gid)
		default:
			n, bad := strconv.Atoi(gid)
			if bad != nil || n < 0 {
				return id, fmt.Errorf("gid: there is no group %q here: add it, or give a number", gid)
			}
			id.gid = n
		}
	}
	return id, nil
}

// drop becomes that identity, for good: groups first, since a plain user may not change them.
func (id identity) drop() error {
	if id.uid < 0 && id.gid < 0 {
		return nil
	}
	if os.Getuid() != 0 {
		if (id.uid < 0 || id.uid == os.Getuid()) && (id.gid < 0 || id.gid == os.Getgid()) {
			return nil // already so
		}
		return fmt.Errorf("uid/gid: only root can become user %d, group %d, and this is user %d: leave the options out",
			id.uid, id.gid, os.Getuid())
	}
	if err := syscall.Setgroups(id.groups()); err != nil {
		return fmt.Errorf("setgroups: %w", err)
	}
	if id.gid >= 0 {
		if err := syscall.Setresgid(id.gid, id.gid, id.gid); err != nil {
			return fmt.Errorf("gid %d: %w", id.gid, err)
		}
	}
	if id.uid >= 0 {
		if err := syscall.Setresuid(id.uid, id.uid, id.uid); err != nil {
			return fmt.Errorf("uid %d: %w", id.uid, err)
		}
	}
	return nil
}

// groups are the supplementary groups of the user.
func (id identity) groups() []int {
	groups := []int{}
	if id.gid >= 0 {
		groups = append(groups, id.gid)
	}
	if id.name == "" {
		return groups
	}
	u, err := user.Lookup(id.name)
	if err != nil {
		return groups
	}
	ids, err := u.GroupIds()
	if err != nil {
		return groups
	}
	for _, s := range ids {
		if n, err := strconv.Atoi(s); err == nil && n != id.gid {
			groups = append(groups, n)
		}
	}
	return groups
}
