// IMAP4rev1 (RFC 3501) and its extensions: `Grammar` reads commands, `Session` carries them out, `Responses`
// writes what is said; `IMAPService` is what the listeners are given.
