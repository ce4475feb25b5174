package dev.stator.serving;

import dev.stator.cache.BlockKey;
import dev.stator.cache.HostTier;
import dev.stator.cache.remote.PrefixExport;
import dev.stator.cache.remote.PrefixFileException;
import dev.stator.cache.remote.PrefixImport;
import dev.stator.cache.remote.PrefixModel;
import dev.stator.cache.remote.SharedKey;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;

/** Carries prefixes of the host tier to other servers of the same model, in files. Thread-safe. */
public final class CacheFiles {
    /** What files are encrypted with, and whose KV they hold. */
    record Kind(SharedKey key, PrefixModel model) {}

    /** A file that is being made; keeps its prefix in the tier until it is closed. */
    public interface Export extends AutoCloseable {
        /**
         * The file's next bytes, a block's at most; empty at its end.
         *
         * @throws IllegalStateException if the tier was closed
         */
        Optional<byte[]> next();

        @Override
        void close();
    }

    /** What became of a file. */
    public sealed interface Imported {
        /**
         * @param refused for which the tier had no room
         */
        record Done(int blocks, int tokens, int stored, int present, int refused)
                implements Imported {}

        /** It is not as it was written. */
        record Bad(String sentence) implements Imported {}

        /** It is for another model or block size. */
        record Foreign(String sentence) implements Imported {}
    }

    private final HostTier tier;
    private final Kind kind;
    private final PrefixImport.Listener listener;

    CacheFiles(HostTier tier, Kind kind, PrefixImport.Listener listener) {
        this.tier = tier;
        this.kind = kind;
        this.listener = listener;
    }

    /**
     * @param key of the prefix's last block, 32 hexadecimal digits
     * @return empty if there is no such prefix
     */
    public Optional<Export> export(String key) {
        return BlockKey.parse(key)
                .flatMap(last -> PrefixExport.open(tier, kind.key, kind.model, last))
                .map(CacheFiles::open);
    }

    private static Export open(PrefixExport export) {
        return new Export() {
            @Override
            public Optional<byte[]> next() {
                return export.next();
            }

            @Override
            public void close() {
                export.close();
            }
        };
    }

    /**
     * Takes a file in, block by block. Blocks before one that is not as it was written stay.
     *
     * @throws IOException if the file cannot be read to its end
     */
    public Imported read(InputStream file) throws IOException {
        try {
            var result = new PrefixImport(tier, kind.key, kind.model, listener).read(file);
            return new Imported.Done(
                    result.blocks(),
                    result.tokens(),
                    result.stored(),
                    result.present(),
                    result.refused());
        } catch (PrefixFileException e) {
            return e.foreign() ? new Imported.Foreign(e.reason()) : new Imported.Bad(e.reason());
        }
    }
}
