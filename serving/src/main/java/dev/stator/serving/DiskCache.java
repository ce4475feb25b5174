package dev.stator.serving;

import java.nio.file.Path;
import java.util.Optional;

/**
 * Where a node keeps blocks across restarts.
 *
 * @param folder for this node alone
 * @param bytes the most that it may take there
 * @param keyFile holds the secret that the blocks are encrypted with; if empty, one is made in the
 *     folder
 */
public record DiskCache(Path folder, long bytes, Optional<Path> keyFile) {}
