package dev.stator.cache.remote;

import dev.stator.cache.BlockKey;
import dev.stator.cache.BlockLease;
import dev.stator.cache.BlockReservation;
import dev.stator.cache.HostTier;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Optional;

/**
 * Takes a file of a prefix into the host tier, block by block; see {@link PrefixFormat}. No block
 * gets a slot before its sizes, its tag and its key, worked out from its token ids and the block
 * before it, have been checked. Good for one file.
 */
public final class PrefixImport {
    /** Hears of each block that was stored. */
    @FunctionalInterface
    public interface Listener {
        /** The block is {@code tokens[from, to)}; the array must not be kept. */
        void stored(BlockKey key, BlockKey parent, int[] tokens, int from, int to);
    }

    /**
     * @param refused for which the tier had no room
     */
    public record Result(int blocks, int tokens, int stored, int present, int refused) {}

    private final HostTier tier;
    private final SharedKey key;
    private final PrefixModel model;
    private final Listener listener;
    private final RecordReader reader;
    private final byte[] recordHeader = new byte[RecordFormat.HEADER_BYTES];
    private int[] tokens = {};
    private int size;
    private int stored;
    private int present;
    private int refused;

    /** The last block that is there, which may not go as the next one needs it. */
    private Optional<BlockLease> tail = Optional.empty();

    public PrefixImport(HostTier tier, SharedKey key, PrefixModel model, Listener listener) {
        this.tier = tier;
        this.key = key;
        this.model = model;
        this.listener = listener;
        this.reader = new RecordReader(key, model.fingerprint());
    }

    /**
     * Reads all of a file.
     *
     * @throws IOException if it cannot be read
     * @throws PrefixFileException if it is no file of a prefix, or not one for this tier, or from
     *     some block on not what was written; blocks before that are in the tier
     */
    public Result read(InputStream in) throws IOException, PrefixFileException {
        try {
            PrefixFormat.Header header = header(in);
            BlockKey parent = header.root();
            for (int block = 0; block < header.blocks(); block++) {
                parent = next(in, block, header.blocks(), parent);
            }
            if (!parent.equals(header.last())) {
                throw bad("The file ends with another block than its header says");
            }
            if (in.read() >= 0) {
                throw bad("Bytes follow the last block of the file");
            }
            return new Result(header.blocks(), size, stored, present, refused);
        } finally {
            tail.ifPresent(BlockLease::close);
        }
    }

    private PrefixFormat.Header header(InputStream in) throws IOException, PrefixFileException {
        byte[] fixed = in.readNBytes(PrefixFormat.FIXED_BYTES);
        if (fixed.length < Integer.BYTES || ByteBuffer.wrap(fixed).getInt() != PrefixFormat.MAGIC) {
            throw bad("This is no file of a prefix");
        }
        if (fixed.length < PrefixFormat.FIXED_BYTES) {
            throw bad("The file is cut off in its header");
        }
        int version = Short.toUnsignedInt(ByteBuffer.wrap(fixed).getShort(4));
        if (version != PrefixFormat.VERSION) {
            throw foreign(
                    "The file has the format version %d, this server reads version %d"
                            .formatted(version, PrefixFormat.VERSION));
        }
        int nameBytes = Short.toUnsignedInt(ByteBuffer.wrap(fixed).getShort(6));
        if (nameBytes > PrefixFormat.MOST_NAME_BYTES) {
            throw bad("The file's header was altered");
        }
        int rest = nameBytes + RecordFormat.TAG_BYTES;
        byte[] whole = Arrays.copyOf(fixed, fixed.length + rest);
        if (in.readNBytes(whole, fixed.length, rest) < rest) {
            throw bad("The file is cut off in its header");
        }
        PrefixFormat.Header header = PrefixFormat.read(whole);
        if (!MessageDigest.isEqual(header.which(), PrefixFormat.which(key))) {
            throw bad("The file was written under another key than this server's");
        }
        if (!PrefixFormat.isAuthentic(whole, key)) {
            throw bad("The file's header was altered");
        }
        checkModel(header);
        return header;
    }

    private void checkModel(PrefixFormat.Header header) throws PrefixFileException {
        PrefixModel its = header.model();
        if (!its.fingerprint().equals(model.fingerprint())) {
            throw foreign(
                    "The file is for %s, this server has %s%s"
                            .formatted(
                                    its.name(),
                                    model.name(),
                                    its.name().equals(model.name()) ? " of other weights" : ""));
        }
        if (its.blockTokens() != model.blockTokens()) {
            throw foreign(
                    "The file's blocks hold %d tokens, this server's %d (block-tokens)"
                            .formatted(its.blockTokens(), model.blockTokens()));
        }
        if (its.bytesPerToken() != model.bytesPerToken()) {
            throw foreign(
                    "The file has %d bytes of KV for each token, this server %d"
                            .formatted(its.bytesPerToken(), model.bytesPerToken()));
        }
        if (header.blocks() < 1) {
            throw bad("The file holds no blocks");
        }
    }

    /** Reads one block and stores it; returns its key. */
    private BlockKey next(InputStream in, int block, int blocks, BlockKey parent)
            throws IOException, PrefixFileException {
        byte[] record;
        try {
            record = record(in, block, blocks);
        } catch (EOFException _) {
            throw bad("The file is cut off in block %d of %d".formatted(block + 1, blocks));
        }
        Verdict verdict =
                reader.openNext(record, parent, size, model.blockTokens(), model.bytesPerToken());
        if (verdict != Verdict.INTACT) {
            throw bad(
                    verdict == Verdict.COLLISION
                            ? "Block %d of %d does not follow the one before it"
                                    .formatted(block + 1, blocks)
                            : altered(block, blocks));
        }
        int[] ids = reader.tokenIds();
        int from = size;
        append(ids);
        store(reader.key(), parent, from);
        return reader.key();
    }

    private byte[] record(InputStream in, int block, int blocks)
            throws IOException, PrefixFileException {
        if (in.readNBytes(recordHeader, 0, recordHeader.length) < recordHeader.length) {
            throw new EOFException();
        }
        int bytes = ByteBuffer.wrap(recordHeader).getInt(8);
        int most =
                RecordFormat.recordBytes(
                        model.blockTokens(), model.blockTokens() * model.bytesPerToken());
        if (bytes <= recordHeader.length || bytes > most) {
            throw bad(altered(block, blocks));
        }
        byte[] record = Arrays.copyOf(recordHeader, bytes);
        int rest = bytes - recordHeader.length;
        if (in.readNBytes(record, recordHeader.length, rest) < rest) {
            throw new EOFException();
        }
        return record;
    }

    private static String altered(int block, int blocks) {
        return "Block %d of %d was altered".formatted(block + 1, blocks);
    }

    private void append(int[] ids) {
        if (tokens.length < size + ids.length) {
            tokens = Arrays.copyOf(tokens, Math.max(2 * tokens.length, size + ids.length));
        }
        System.arraycopy(ids, 0, tokens, size, ids.length);
        size += ids.length;
    }

    private void store(BlockKey own, BlockKey parent, int from) {
        if (refused == 0 && tier.hold(own).map(this::keep).isPresent()) {
            present++;
        } else if (refused == 0 && reserved(own, parent, from)) {
            stored++;
        } else {
            // Those that follow have no parent any more.
            refused++;
        }
    }

    private boolean reserved(BlockKey own, BlockKey parent, int from) {
        Optional<BlockReservation> reserved =
                tier.reserve(own, parent, tokens, from, size, reader.recomputeMicros());
        if (reserved.isEmpty()) {
            // Somebody else may have computed it meanwhile.
            return tier.hold(own).map(this::keep).isPresent();
        }
        try (BlockReservation reservation = reserved.get()) {
            reader.copyTo(reservation.rows());
            reservation.commit();
        }
        tier.hold(own).ifPresent(this::keep);
        listener.stored(own, parent, tokens, from, size);
        return true;
    }

    private BlockLease keep(BlockLease lease) {
        tail.ifPresent(BlockLease::close);
        tail = Optional.of(lease);
        return lease;
    }

    private PrefixFileException bad(String what) {
        return new PrefixFileException(what + before() + ".", false);
    }

    private PrefixFileException foreign(String what) {
        return new PrefixFileException(what + ".", true);
    }

    private String before() {
        int there = stored + present;
        return there == 0 ? "" : "; the %d blocks before it are in the host tier".formatted(there);
    }
}
