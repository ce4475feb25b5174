package dev.stator.remote;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.cache.BlockKey;
import dev.stator.cache.HostTier;
import dev.stator.cache.HostTierOptions;
import dev.stator.cache.codec.PayloadCodec;
import dev.stator.cache.remote.RemoteBlock;
import dev.stator.cache.remote.RemotePromoter;
import dev.stator.cache.remote.RemoteStore;
import dev.stator.cache.remote.RemoteTier;
import dev.stator.cache.remote.RemoteTierOptions;
import dev.stator.cache.remote.SharedKey;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** What every store does, whatever it is. */
final class StoreContract {
    static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final int BLOCK_TOKENS = 8;
    private static final int BLOCK_BYTES = 96 << 10;
    private static final int BLOCKS = 40;
    private static final int LEAST_MILLIS = 1000;

    private StoreContract() {}

    static <T> T get(CompletableFuture<T> answer) throws Exception {
        return answer.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Values come back as they were put, side by side; what is not there is said not to be. */
    static void keepsValues(RemoteStore store) throws Exception {
        var random = new Random(1);
        var values = new ArrayList<byte[]>();
        var writing = new ArrayList<CompletableFuture<?>>();
        for (int i = 0; i < 20; i++) {
            byte[] value = new byte[1 + random.nextInt(300_000)];
            random.nextBytes(value);
            values.add(value);
            writing.add(store.put("a:" + i, value, Duration.ofHours(1)));
        }
        for (var written : writing) {
            get(written);
        }
        var reading = new ArrayList<CompletableFuture<Optional<byte[]>>>();
        for (int i = 0; i < 20; i++) {
            reading.add(store.get("a:" + i, 300_000));
        }
        for (int i = 0; i < 20; i++) {
            assertThat(get(reading.get(i)).orElseThrow()).isEqualTo(values.get(i));
        }
        assertThat(get(store.get("b", 10))).isEmpty();
        assertThat(get(store.contains(List.of("a:0", "b", "a:19"))))
                .containsExactly(true, false, true);
        assertThat(get(store.contains(List.of()))).isEmpty();
        get(store.put("a:0", new byte[] {1}, Duration.ZERO));
        assertThat(get(store.get("a:0", 10)).orElseThrow()).containsExactly(1);
        get(store.delete(List.of("a:1", "b", "a:2")));
        assertThat(get(store.contains(List.of("a:1", "a:2", "a:3"))))
                .containsExactly(false, false, true);
        get(store.put("long", new byte[100_000], Duration.ofMillis(LEAST_MILLIS * 600L)));
        assertThat(get(store.get("long", 99)).orElseThrow()).hasSizeBetween(100, 1000);
    }

    /** Blocks that one tier has written reach another one's host tier, raw and compressed. */
    static void carriesBlocks(RemoteStore writer, RemoteStore reader, Path folder)
            throws Exception {
        for (var codec : List.of(PayloadCodec.RAW, new PayloadCodec.Lossless(2))) {
            var model = BlockKey.root("model", codec.toString());
            int[] tokens = new Random(2).ints(BLOCKS * BLOCK_TOKENS, 0, 1000).toArray();
            var keys = BlockKey.chain(model, tokens, BLOCK_TOKENS);
            var options =
                    RemoteTierOptions.of(
                                    SharedKey.of(new byte[32]), model, BLOCK_TOKENS, BLOCK_BYTES)
                            .withTimes(PATIENCE, Duration.ofHours(1))
                            .withCodec(codec);
            var out = RemoteTier.open(new Borrowed(writer), options);
            for (int i = 0; i < BLOCKS; i++) {
                int from = i * BLOCK_TOKENS;
                out.offer(
                        new RemoteBlock(
                                keys.get(i),
                                i == 0 ? model : keys.get(i - 1),
                                from,
                                BLOCK_TOKENS,
                                BLOCK_BYTES,
                                1),
                        Arrays.copyOfRange(tokens, from, from + BLOCK_TOKENS),
                        MemorySegment.ofArray(payload(i)),
                        () -> {});
            }
            out.awaitWritten();
            assertThat(out.stats().stored()).isEqualTo(BLOCKS);
            out.close();
            var in = RemoteTier.open(new Borrowed(reader), options);
            try (var host =
                            HostTier.open(
                                    HostTierOptions.of(
                                            folder, 64 << 20, BLOCK_BYTES, BLOCK_TOKENS));
                    var promoter = new RemotePromoter(host, in)) {
                assertThat(get(in.lookFor(keys))).isEqualTo(BLOCKS);
                var brought = new CompletableFuture<Integer>();
                promoter.promote(
                        new RemotePromoter.Prompt(model, keys, tokens, tokens.length, BLOCK_TOKENS),
                        PATIENCE.toNanos(),
                        new RemotePromoter.Listener() {
                            @Override
                            public void promoted(int count) {}

                            @Override
                            public void ended(int count, long nanos) {
                                brought.complete(count);
                            }
                        });
                assertThat(get(brought)).isEqualTo(tokens.length);
                for (int i = 0; i < BLOCKS; i++) {
                    int from = i * BLOCK_TOKENS;
                    try (var lease =
                            host.acquire(keys.get(i), tokens, from, from + BLOCK_TOKENS)
                                    .orElseThrow()) {
                        assertThat(lease.rows().toArray(ValueLayout.JAVA_BYTE))
                                .isEqualTo(payload(i));
                    }
                }
            } finally {
                in.close();
            }
        }
    }

    private static byte[] payload(int block) {
        byte[] payload = new byte[BLOCK_BYTES];
        var random = new Random(block);
        random.nextBytes(payload);
        for (int i = 1; i < payload.length; i += 2) {
            payload[i] = (byte) random.nextInt(4);
        }
        return payload;
    }

    /** All calls fail, and none is left hanging. */
    static void failsSoon(RemoteStore store) {
        for (var answer :
                List.<CompletableFuture<?>>of(
                        store.contains(Collections.nCopies(3, "a")),
                        store.get("a", 10),
                        store.put("a", new byte[1], Duration.ZERO))) {
            assertThat(answer).failsWithin(PATIENCE);
        }
    }

    /** A store that a tier may use but not close. */
    private record Borrowed(RemoteStore store) implements RemoteStore {
        @Override
        public CompletableFuture<List<Boolean>> contains(List<String> names) {
            return store.contains(names);
        }

        @Override
        public CompletableFuture<Optional<byte[]>> get(String name, int mostBytes) {
            return store.get(name, mostBytes);
        }

        @Override
        public CompletableFuture<?> put(String name, byte[] value, Duration life) {
            return store.put(name, value, life);
        }

        @Override
        public CompletableFuture<?> delete(List<String> names) {
            return store.delete(names);
        }

        @Override
        public void reset() {
            store.reset();
        }

        @Override
        public String address() {
            return store.address();
        }

        @Override
        public void close() {}
    }
}
