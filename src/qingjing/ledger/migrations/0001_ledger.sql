-- Integers are signed 64-bit: message ids and handles, which are unsigned, are stored as the
-- same 64 bits. Times are epoch milliseconds, UTC.

CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID, STRICT;

-- The log. leaf = SHA-256(0x00 || body); the leaf index is position - 1.
CREATE TABLE fact (
    position INTEGER PRIMARY KEY,
    kind     TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    register INTEGER NOT NULL,
    leaf     BLOB    NOT NULL,
    body     BLOB    NOT NULL
) STRICT;

-- The register's small history is folded at each opening: found without reading the rest.
CREATE INDEX fact_register ON fact (position) WHERE register = 1;

-- Roots of complete subtrees of 256, 65,536, ... leaves, so that a proof reads little.
CREATE TABLE node (
    level INTEGER NOT NULL,
    at    INTEGER NOT NULL,
    hash  BLOB    NOT NULL,
    PRIMARY KEY (level, at)
) WITHOUT ROWID, STRICT;

-- What is kept beside a fact: rows of a decided or moved batch, and what is under seal.
CREATE TABLE batch (
    position INTEGER PRIMARY KEY,
    rows     BLOB NOT NULL,
    sealed   BLOB NOT NULL
) STRICT;

-- First and last message id of each decided batch; an id is never used twice.
CREATE TABLE decided (
    first    INTEGER PRIMARY KEY,
    last     INTEGER NOT NULL,
    position INTEGER NOT NULL
) STRICT;

-- The blocks of 1,024 message ids that each moved batch touches.
CREATE TABLE moved (
    block    INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (block, position)
) WITHOUT ROWID, STRICT;

CREATE TABLE person (
    key    BLOB PRIMARY KEY,
    handle INTEGER NOT NULL,
    number BLOB NOT NULL
) WITHOUT ROWID, STRICT;

CREATE TABLE person_fact (
    handle   INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (handle, position)
) WITHOUT ROWID, STRICT;

CREATE TABLE checkpoint (size INTEGER PRIMARY KEY, at INTEGER NOT NULL, note BLOB NOT NULL) STRICT;

CREATE TABLE mark (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID, STRICT;
