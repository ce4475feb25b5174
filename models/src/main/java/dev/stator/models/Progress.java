package dev.stator.models;

import java.util.OptionalLong;

/** Hears how far a file is, a few times a second; called on the working thread, must not block. */
@FunctionalInterface
public interface Progress {
    Progress NONE = (_, _, _, _) -> {};

    /**
     * @param file the file's name without folders
     * @param bytes how much of it is there, counting what an earlier attempt left
     * @param totalBytes empty while unknown
     * @param bytesPerSecond the rate since this attempt began; 0 while unknown
     */
    void report(String file, long bytes, OptionalLong totalBytes, long bytesPerSecond);
}
