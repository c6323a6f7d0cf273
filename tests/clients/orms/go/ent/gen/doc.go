// Package gen is where install.sh lets Ent generate the client, in the cache's copy of this folder.
package gen
