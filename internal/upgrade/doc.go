// Package upgrade has tests only: an earlier program, of a commit of this repository,
// takes turns with the present one on the same ledger, queue and log, in the middle of a
// tenant's life.
package upgrade
