package dev.stator.routing.index;

import java.io.IOException;

/** What was given as a snapshot is none, or not a whole one; the message says where. */
public final class SnapshotException extends IOException {
    private static final long serialVersionUID = 1L;

    SnapshotException(String message) {
        super(message);
    }

    SnapshotException(String message, Throwable cause) {
        super(message, cause);
    }
}
