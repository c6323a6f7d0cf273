//go:build tools

// What install.sh runs to generate the client; named here so that go.mod pins it.
package main

import _ "entgo.io/ent/cmd/ent"
