package dev.stator.cluster;

import java.io.IOException;

/** What came over a data connection is not what was sent there. */
final class DamagedException extends IOException {
    private static final long serialVersionUID = 1L;

    DamagedException(String message) {
        super(message);
    }
}
