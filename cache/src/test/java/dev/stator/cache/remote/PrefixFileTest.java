package dev.stator.cache.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.cache.BlockKey;
import dev.stator.cache.HostTier;
import dev.stator.cache.HostTierOptions;
import dev.stator.cache.codec.PayloadCodec;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PrefixFileTest {
    private static final int SLOTS = 8;
    private static final int SLOT_STRIDE = 4096;
    private static final PrefixModel MODEL =
            new PrefixModel(
                    "the model m with f16 KV",
                    BlockKey.root("prefixes of m"),
                    Chain.BLOCK_TOKENS,
                    Chain.BLOCK_BYTES / Chain.BLOCK_TOKENS);

    @TempDir private Path folder;
    private final List<HostTier> opened = new ArrayList<>();
    private final Chain chain = Chain.random(1, 14);
    private final List<BlockKey> heard = new ArrayList<>();

    @AfterEach
    void close() {
        opened.forEach(
                tier -> {
                    tier.checkIntegrity();
                    assertThat(tier.stats().leases()).isZero();
                    assertThat(tier.stats().writing()).isZero();
                    tier.close();
                });
    }

    private HostTier tier() {
        var tier =
                HostTier.open(
                        HostTierOptions.of(
                                folder,
                                (long) SLOTS * SLOT_STRIDE,
                                Chain.BLOCK_BYTES,
                                Chain.BLOCK_TOKENS));
        opened.add(tier);
        return tier;
    }

    private static boolean store(HostTier tier, Chain chain, int block) {
        var reserved =
                tier.reserve(
                        chain.keys().get(block),
                        chain.parent(block),
                        chain.tokens(),
                        chain.from(block),
                        chain.to(block),
                        1000 + block);
        reserved.ifPresent(
                reservation -> {
                    reservation.rows().copyFrom(MemorySegment.ofArray(chain.payload(block)));
                    reservation.commit();
                });
        return reserved.isPresent();
    }

    private HostTier filled() {
        var tier = tier();
        for (int block = 0; block < chain.blocks(); block++) {
            assertThat(store(tier, chain, block)).isTrue();
        }
        return tier;
    }

    /** The header and the records, each for itself. */
    private static List<byte[]> parts(HostTier tier, BlockKey last) {
        var parts = new ArrayList<byte[]>();
        try (var export = PrefixExport.open(tier, Chain.KEY, MODEL, last).orElseThrow()) {
            for (var next = export.next(); next.isPresent(); next = export.next()) {
                parts.add(next.get());
            }
        }
        return parts;
    }

    private static byte[] joined(List<byte[]> parts) {
        var out = new ByteArrayOutputStream();
        parts.forEach(out::writeBytes);
        return out.toByteArray();
    }

    private byte[] file() {
        return joined(parts(filled(), chain.keys().getLast()));
    }

    private PrefixImport importer(HostTier tier) {
        return importer(tier, Chain.KEY, MODEL);
    }

    private PrefixImport importer(HostTier tier, SharedKey key, PrefixModel model) {
        return new PrefixImport(tier, key, model, (own, _, _, _, _) -> heard.add(own));
    }

    private PrefixImport.Result read(HostTier tier, byte[] file)
            throws IOException, PrefixFileException {
        return importer(tier).read(new ByteArrayInputStream(file));
    }

    private void holds(HostTier tier, int blocks) {
        assertThat(tier.match(chain.keys())).isEqualTo(blocks);
        for (int block = 0; block < blocks; block++) {
            try (var lease =
                    tier.acquire(
                                    chain.keys().get(block),
                                    chain.tokens(),
                                    chain.from(block),
                                    chain.to(block))
                            .orElseThrow()) {
                assertThat(lease.rows().toArray(ValueLayout.JAVA_BYTE))
                        .isEqualTo(chain.payload(block));
                assertThat(lease.recomputeMicros()).isEqualTo(1000 + block);
                assertThat(lease.root()).isEqualTo(chain.root());
            }
        }
    }

    @Test
    void whatWasExportedIsThereAfterwardsAndCanBeExportedAgain() throws Exception {
        byte[] file = file();
        var other = tier();

        assertThat(read(other, file)).isEqualTo(new PrefixImport.Result(4, 14, 4, 0, 0));

        holds(other, 4);
        assertThat(heard).isEqualTo(chain.keys());
        var third = tier();
        read(third, joined(parts(other, chain.keys().getLast())));
        holds(third, 4);
    }

    @Test
    void aPrefixMayEndBeforeItsSequenceAndAnUnknownOneIsNone() throws Exception {
        var tier = filled();
        var other = tier();

        assertThat(read(other, joined(parts(tier, chain.keys().get(1)))))
                .isEqualTo(new PrefixImport.Result(2, 8, 2, 0, 0));

        holds(other, 2);
        assertThat(PrefixExport.open(tier, Chain.KEY, MODEL, new BlockKey(1, 2))).isEmpty();
    }

    @Test
    void whatIsPresentIsNotStoredAgain() throws Exception {
        byte[] file = file();
        var other = tier();
        store(other, chain, 0);
        store(other, chain, 1);

        assertThat(read(other, file)).isEqualTo(new PrefixImport.Result(4, 14, 2, 2, 0));
        assertThat(read(other, file)).isEqualTo(new PrefixImport.Result(4, 14, 0, 4, 0));
        holds(other, 4);
        assertThat(heard).isEqualTo(chain.keys().subList(2, 4));
    }

    @Test
    void aFullTierEvictsAndRefusesWhatHasNoRoom() throws Exception {
        byte[] file = file();
        var other = tier();
        var there = Chain.random(2, SLOTS * Chain.BLOCK_TOKENS);
        for (int block = 0; block < there.blocks(); block++) {
            store(other, there, block);
        }

        assertThat(read(other, file)).isEqualTo(new PrefixImport.Result(4, 14, 4, 0, 0));
        holds(other, 4);
        other.checkIntegrity();

        var full = tier();
        for (int block = 0; block < there.blocks(); block++) {
            store(full, there, block);
        }
        try (var pins = full.pin(there.keys().subList(0, SLOTS - 2))) {
            assertThat(read(full, file)).isEqualTo(new PrefixImport.Result(4, 14, 2, 0, 2));
            assertThat(full.match(there.keys())).isEqualTo(SLOTS - 2);
        }
        holds(full, 2);
    }

    @Test
    void noChangedByteOfTheFileIsTakenIn() throws Exception {
        var parts = parts(filled(), chain.keys().getLast());
        byte[] file = joined(parts);
        var other = tier();
        for (int at = 0; at < file.length; at += at < 400 ? 1 : 13) {
            byte[] altered = file.clone();
            altered[at] ^= 1;
            assertThatThrownBy(() -> read(other, altered))
                    .as("byte %d", at)
                    .isInstanceOf(PrefixFileException.class);
            holds(other, intact(parts, at));
            other.drop(chain.keys().getFirst());
        }
    }

    /** How many blocks end before a byte. */
    private static int intact(List<byte[]> parts, int at) {
        int end = parts.getFirst().length;
        int blocks = 0;
        for (var record : parts.subList(1, parts.size())) {
            end += record.length;
            if (end > at) {
                break;
            }
            blocks++;
        }
        return at < parts.getFirst().length ? 0 : blocks;
    }

    @Test
    void aFileThatIsCutOffOrTooLongIsRefusedThere() throws Exception {
        var parts = parts(filled(), chain.keys().getLast());
        byte[] file = joined(parts);
        var other = tier();
        for (int length = 0; length < file.length; length += length < 400 ? 1 : 97) {
            byte[] cut = Arrays.copyOf(file, length);
            assertThatThrownBy(() -> read(other, cut))
                    .as("%d bytes", length)
                    .isInstanceOf(PrefixFileException.class);
            holds(other, intact(parts, length));
            other.drop(chain.keys().getFirst());
        }
        assertThatThrownBy(() -> read(tier(), Arrays.copyOf(file, file.length - 1)))
                .hasMessage(
                        "The file is cut off in block 4 of 4; the 3 blocks before it are in the host tier.");
        assertThatThrownBy(() -> read(tier(), Arrays.copyOf(file, file.length + 1)))
                .hasMessageContaining("Bytes follow");
    }

    @Test
    void authenticBlocksInAnotherOrderAreRefused() throws Exception {
        var parts = parts(filled(), chain.keys().getLast());
        var other = tier();
        var swapped = List.of(parts.get(0), parts.get(1), parts.get(3), parts.get(2), parts.get(4));
        assertThatThrownBy(() -> read(other, joined(swapped)))
                .hasMessageContaining("Block 2 of 4 does not follow the one before it");
        holds(other, 1);

        var stranger = Chain.random(3, 14);
        var source = tier();
        for (int block = 0; block < 4; block++) {
            store(source, stranger, block);
        }
        var mixed = new ArrayList<>(parts(source, stranger.keys().getLast()));
        mixed.set(0, parts.getFirst());
        assertThatThrownBy(() -> read(tier(), joined(mixed)))
                .hasMessageContaining("another block than its header says");
    }

    @Test
    void authenticTokensOfAnotherKeyAreRefused() throws Exception {
        int[] others = chain.tokens(0);
        others[0]++;
        byte[] lie =
                new RecordWriter(Chain.KEY, MODEL.fingerprint(), PayloadCodec.RAW)
                        .encode(chain.block(0), others, MemorySegment.ofArray(chain.payload(0)));
        var parts = parts(filled(), chain.keys().getFirst());
        var other = tier();
        assertThatThrownBy(() -> read(other, joined(List.of(parts.getFirst(), lie))))
                .hasMessageContaining("Block 1 of 1 does not follow");
        holds(other, 0);
    }

    @Test
    void filesForOthersAreForeignAndOtherKeysAreNot() {
        byte[] file = file();
        byte[] seed = new byte[32];
        seed[0] = 1;
        var foreign =
                List.of(
                        new PrefixModel("the model n", BlockKey.root("n"), 4, 512),
                        new PrefixModel(MODEL.name(), MODEL.fingerprint(), 8, 512),
                        new PrefixModel(MODEL.name(), MODEL.fingerprint(), 4, 256));
        for (var model : foreign) {
            var other = tier();
            assertThatThrownBy(
                            () ->
                                    importer(other, Chain.KEY, model)
                                            .read(new ByteArrayInputStream(file)))
                    .isInstanceOfSatisfying(
                            PrefixFileException.class, e -> assertThat(e.foreign()).isTrue());
            holds(other, 0);
        }
        var other = tier();
        assertThatThrownBy(
                        () ->
                                importer(other, SharedKey.of(seed), MODEL)
                                        .read(new ByteArrayInputStream(file)))
                .isInstanceOfSatisfying(
                        PrefixFileException.class,
                        e -> {
                            assertThat(e.foreign()).isFalse();
                            assertThat(e.reason()).contains("another key");
                        });
        holds(other, 0);
    }

    @Test
    void aRecordThatClaimsToBeHugeTakesNoMemory() throws Exception {
        var parts = parts(filled(), chain.keys().getLast());
        for (int bytes : new int[] {Integer.MAX_VALUE, -1, 0, 96, 1 << 20}) {
            byte[] huge = parts.get(1).clone();
            ByteBuffer.wrap(huge).putInt(8, bytes);
            assertThatThrownBy(() -> read(tier(), joined(List.of(parts.getFirst(), huge))))
                    .hasMessageContaining("Block 1 of 4 was altered");
        }
    }

    @Test
    void aPrefixCannotGoWhileItIsExported() {
        var tier = filled();
        var export =
                PrefixExport.open(tier, Chain.KEY, MODEL, chain.keys().getLast()).orElseThrow();
        var others = Chain.random(5, 2 * SLOTS * Chain.BLOCK_TOKENS);
        for (int block = 0; block < others.blocks(); block++) {
            store(tier, others, block);
        }
        tier.drop(chain.keys().getFirst());

        holds(tier, 4);
        export.close();
        tier.drop(chain.keys().getFirst());
        holds(tier, 0);
    }
}
