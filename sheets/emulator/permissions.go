package emulator

import (
	"fmt"
	"net/http"
	"slices"
)

// Permissions are accepted and kept, and refuse nobody anything: every caller may do everything here.

var briefPermission = mask{"kind": nil, "id": nil, "type": nil, "role": nil, "emailAddress": nil}

func (c *call) briefly(p object) any {
	if c.query.Get("fields") == "" {
		return briefPermission.filter(p)
	}
	return p
}

func (c *call) listPermissions() (any, error) {
	return c.withFile(func(f *file) (any, error) {
		items := []any{c.briefly(ownerPermission)}
		for _, p := range f.permissions {
			items = append(items, c.briefly(p))
		}
		return object{"kind": "drive#permissionList", "permissions": items}, nil
	})
}

func (c *call) createPermission() (any, error) {
	o, err := c.json()
	if err != nil {
		return nil, err
	}
	return c.withFile(func(f *file) (any, error) {
		p := copyObject(o)
		p["kind"] = "drive#permission"
		p["id"] = fmt.Sprintf("%020d", len(f.permissions)+2)
		if text(o, "type") == "anyone" {
			p["id"] = "anyoneWithLink"
		}
		f.permissions = append(slices.DeleteFunc(slices.Clone(f.permissions), func(x object) bool { return x["id"] == p["id"] }), p)
		f.version++
		c.emulator.changed(f, c.emulator.now(), false)
		return c.briefly(p), nil
	})
}

// withPermission runs fn with the place of the permission that the path names.
func (c *call) withPermission(fn func(f *file, i int) (any, error)) (any, error) {
	id := c.params["permissionId"]
	return c.withFile(func(f *file) (any, error) {
		for i, p := range f.permissions {
			if p["id"] == id {
				return fn(f, i)
			}
		}
		return nil, driveError(http.StatusNotFound, "notFound", "permissionId", "Permission not found: %s.", id)
	})
}

func (c *call) getPermission() (any, error) {
	if c.params["permissionId"] == ownerPermission["id"] {
		return c.withFile(func(*file) (any, error) { return c.briefly(ownerPermission), nil })
	}
	return c.withPermission(func(f *file, i int) (any, error) { return c.briefly(f.permissions[i]), nil })
}

func (c *call) updatePermission() (any, error) {
	o, err := c.json()
	if err != nil {
		return nil, err
	}
	return c.withPermission(func(f *file, i int) (any, error) {
		p := merged(f.permissions[i], o)
		f.permissions = slices.Clone(f.permissions)
		f.permissions[i] = p
		return c.briefly(p), nil
	})
}

func (c *call) deletePermission() (any, error) {
	return c.withPermission(func(f *file, i int) (any, error) {
		f.permissions = slices.Delete(slices.Clone(f.permissions), i, i+1)
		return noContent{}, nil
	})
}
