package dev.stator.cluster;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * The secret that all members of a cluster have in common. Who does not have it can neither join
 * the group nor call a node, nor read what members say to each other.
 */
public final class ClusterKey {
    private static final int LEAST_BYTES = 32;
    private static final String MAC = "HmacSHA256";

    private final ClusterIdentity identity;

    private ClusterKey(ClusterIdentity identity) {
        this.identity = identity;
    }

    /**
     * @throws ClusterException if the file holds no secret; says how to make one
     */
    public static ClusterKey read(Path file) {
        byte[] found;
        try {
            found = Files.readAllBytes(file);
        } catch (IOException e) {
            throw new ClusterException(
                    "the cluster's key file %s cannot be read (%s). %s"
                            .formatted(file, e, howToMake(file)),
                    e);
        }
        if (found.length < LEAST_BYTES) {
            throw new ClusterException(
                    "the cluster's key file %s has %d bytes, but a key needs at least %d random ones. %s"
                            .formatted(file, found.length, LEAST_BYTES, howToMake(file)));
        }
        return of(found);
    }

    private static String howToMake(Path file) {
        return "Make one with: head -c %d /dev/urandom > %s && chmod 600 %s; then copy it to every host of the cluster"
                .formatted(LEAST_BYTES, file, file);
    }

    /** From random bytes, at least 32. */
    public static ClusterKey of(byte[] secret) {
        try {
            var mac = Mac.getInstance(MAC);
            mac.init(new SecretKeySpec(secret, MAC));
            return new ClusterKey(
                    ClusterIdentity.of(
                            mac.doFinal(
                                    "stator cluster identity".getBytes(StandardCharsets.UTF_8))));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has " + MAC + " and Ed25519", e);
        }
    }

    /** What members show each other. */
    ClusterIdentity identity() {
        return identity;
    }

    /** Does not show the secret. */
    @Override
    public String toString() {
        return "cluster key";
    }
}
