package dev.stator.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.stator.cache.CacheException;
import dev.stator.engine.KvShape;
import dev.stator.engine.ModelInfo;
import dev.stator.routing.queue.ClassOptions;
import dev.stator.serving.CacheCodec;
import dev.stator.serving.DiskCache;
import dev.stator.serving.NodeOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class NodeSizingTest {
    private static final long GIB = 1L << 30;

    @TempDir Path shared;
    @TempDir Path temporary;

    private NodeOptions options(
            Map<String, String> chosen, Machine machine, Optional<Path> sharedMemory, int trained) {
        var flags = new LinkedHashMap<Setting<?>, List<String>>();
        chosen.forEach(
                (name, text) -> flags.put(Settings.named(name).orElseThrow(), List.of(text)));
        return new NodeSizing(
                        Configuration.merge(flags, Map.of(), Optional.empty()),
                        machine,
                        new NodeSizing.Folders(sharedMemory, temporary))
                .options(model(trained));
    }

    /** 32 KiB of KV per token, as Llama 3.2 1B has. */
    private static ModelInfo model(int trained) {
        return new ModelInfo(
                "m",
                "llama",
                "",
                1,
                1,
                trained,
                100,
                64,
                Optional.of(new KvShape("f16", List.of(new KvShape.Layer(16384, 16384)))),
                "",
                Optional.empty(),
                true,
                false);
    }

    private static Machine machine(long memory, long free) {
        return new Machine(4, memory, free);
    }

    @Test
    void aRemoteCacheNeedsAKeyThatAllServersHave(@TempDir Path folder) throws IOException {
        var key = folder.resolve("remote.key");
        Files.write(key, new byte[32]);
        assertThat(withDisk(Map.of()).remoteCache()).isEmpty();
        var cache =
                withDisk(
                                Map.of(
                                        "remote-cache",
                                        "redis://:hush@127.0.0.1:1",
                                        "remote-cache-key-file",
                                        key.toString(),
                                        "remote-cache-codec",
                                        "lossless",
                                        "remote-cache-ttl-seconds",
                                        "60"))
                        .remoteCache()
                        .orElseThrow();
        cache.store().close();
        assertThat(cache.store().address()).isEqualTo("redis://127.0.0.1:1");
        assertThat(cache.codec()).isEqualTo(CacheCodec.LOSSLESS);
        assertThat(cache.life()).hasSeconds(60);
        assertThat(cache.timeout()).hasSeconds(1);

        assertThatThrownBy(() -> withDisk(Map.of("remote-cache", "redis://:hush@host")))
                .isInstanceOf(Refusal.class)
                .hasMessageContaining("head -c 32 /dev/urandom")
                .hasMessageNotContaining("hush");
        assertThatThrownBy(() -> withDisk(Map.of("remote-cache-key-file", "key")))
                .isInstanceOf(Refusal.class)
                .hasMessageContaining("means nothing without remote-cache");
        assertThatThrownBy(
                        () ->
                                withDisk(
                                        Map.of(
                                                "remote-cache",
                                                "gopher://:hush@host",
                                                "remote-cache-key-file",
                                                key.toString())))
                .isInstanceOf(CacheException.class)
                .hasMessageContaining("the scheme 'gopher' is not known")
                .hasMessageNotContaining("hush");
    }

    @Test
    void theContextIsWhatTheModelWasTrainedForUpToALimit() {
        var machine = machine(64 * GIB, 60 * GIB);

        assertThat(options(Map.of(), machine, Optional.empty(), 4096).contextTokens())
                .isEqualTo(4096);
        assertThat(options(Map.of(), machine, Optional.empty(), 131072).contextTokens())
                .isEqualTo(8192);
        assertThat(
                        options(Map.of("context", "32768"), machine, Optional.empty(), 131072)
                                .contextTokens())
                .isEqualTo(32768);
    }

    @Test
    void cellsFollowTheContext() {
        var options =
                options(
                        Map.of("context", "2048"),
                        machine(8 * GIB, 8 * GIB),
                        Optional.empty(),
                        4096);

        assertThat(options.prefillCells()).isEqualTo(2048);
        assertThat(options.decodeCells()).isEqualTo(4096);
        assertThat(options.threads()).isEqualTo(4);
    }

    @Test
    void theContextShrinksOnASmallMachine() {
        // 3 contexts of 8192 tokens would take 768 MiB.
        assertThat(options(Map.of(), machine(GIB, GIB), Optional.empty(), 131072).contextTokens())
                .isEqualTo(4096);
    }

    @Test
    void aContextBeyondTheModelsIsRefused() {
        assertThatThrownBy(
                        () ->
                                options(
                                        Map.of("context", "8192"),
                                        machine(GIB, GIB),
                                        Optional.empty(),
                                        4096))
                .isInstanceOf(Refusal.class)
                .hasMessageContaining("8192")
                .hasMessageContaining("4096");
    }

    @Test
    void kvThatDoesNotFitIsRefusedBeforeItIsAllocated() {
        assertThatThrownBy(
                        () ->
                                options(
                                        Map.of("context", "65536"),
                                        machine(4 * GIB, 3 * GIB),
                                        Optional.empty(),
                                        131072))
                .isInstanceOf(Refusal.class)
                .hasMessage(
                        "the KV memory of 2 workers needs 6GiB, but only 3GiB are free: lower context, prefill-cells or decode-cells, use fewer workers, or set kv-type to q8_0");
    }

    @Test
    void optionsThatContradictEachOtherAreNamedByTheirFlags() {
        assertThatThrownBy(
                        () ->
                                options(
                                        Map.of("step-tokens", "8", "max-running", "32"),
                                        machine(8 * GIB, 8 * GIB),
                                        Optional.empty(),
                                        4096))
                .hasMessage("step-tokens must be at least max-running");
    }

    @Test
    void theHostTierIsInSharedMemoryWhereThatHasRoom() {
        var options =
                options(
                        Map.of("host-cache", "1MiB"),
                        machine(8 * GIB, 8 * GIB),
                        Optional.of(shared),
                        4096);

        assertThat(options.hostCacheBytes()).isEqualTo(1 << 20);
        assertThat(options.hostCacheFolder().getParent()).isEqualTo(shared);
    }

    @Test
    void theHostTierIsElsewhereWhereSharedMemoryHasNone() {
        var options =
                options(
                        Map.of("host-cache", "1000TiB"),
                        machine(8 * GIB, 8 * GIB),
                        Optional.of(shared),
                        4096);

        assertThat(options.hostCacheFolder().getParent()).isEqualTo(temporary);
    }

    @Test
    void classesOfTheQueueAreAsTheUserSays() {
        var queue =
                options(
                                Map.of(
                                        "max-queue",
                                        "100",
                                        "class-queues",
                                        "flex=10",
                                        "class-weights",
                                        "flex=2"),
                                machine(8 * GIB, 8 * GIB),
                                Optional.of(shared),
                                4096)
                        .queue();

        assertThat(queue.maxRequests()).isEqualTo(100);
        assertThat(queue.classes())
                .extracting(ClassOptions::name, ClassOptions::weight, ClassOptions::maxRequests)
                .containsExactly(
                        tuple("priority", 16.0, 100),
                        tuple("default", 4.0, 100),
                        tuple("flex", 2.0, 10));
    }

    @Test
    void aFolderThatWasNamedIsUsedAsItIs() {
        var options =
                options(
                        Map.of("host-cache-folder", temporary.toString()),
                        machine(8 * GIB, 8 * GIB),
                        Optional.of(shared),
                        4096);

        assertThat(options.hostCacheFolder()).isEqualTo(temporary);
        assertThat(options.hostCacheBytes()).isEqualTo(GIB);
    }

    @Test
    void thereIsNoDiskTierUnlessItsFolderIsNamed() {
        assertThat(withDisk(Map.of()).diskCache()).isEmpty();
        var folder = temporary.resolve("not").resolve("yet");
        var usual = withDisk(Map.of("disk-cache", folder.toString())).diskCache().orElseThrow();
        assertThat(usual.folders()).extracting(DiskCache.Folder::path).containsExactly(folder);
        assertThat(usual.bytes()).isBetween(1L, 20 * GIB);
        assertThat(usual.keyFile()).isEmpty();
        var chosen =
                withDisk(
                                Map.of(
                                        "disk-cache",
                                        folder.toString(),
                                        "disk-cache-size",
                                        "3GiB",
                                        "disk-cache-key-file",
                                        "/a/key"))
                        .diskCache();
        assertThat(chosen)
                .contains(
                        new DiskCache(
                                List.of(new DiskCache.Folder(folder, 3 * GIB)),
                                Optional.of(Path.of("/a/key"))));
    }

    @Test
    void aLossyCodecIsForATierThatThereIs() {
        assertThat(
                        withDisk(Map.of("disk-cache", "/a", "disk-cache-codec", "q8_0"))
                                .diskCache()
                                .map(DiskCache::codec))
                .contains(CacheCodec.Q8_0);
        assertThatThrownBy(() -> withDisk(Map.of("disk-cache-codec", "q8_0")))
                .isInstanceOf(Refusal.class)
                .hasMessageContaining("means nothing without disk-cache");
        assertThatThrownBy(() -> withDisk(Map.of("remote-cache-codec", "q8_0")))
                .isInstanceOf(Refusal.class)
                .hasMessageContaining("means nothing without remote-cache");
    }

    @Test
    void aDiskTierMayHaveSeveralFoldersWithOneSizeOrOneEach() {
        assertThat(folders("/a,/b", "3GiB"))
                .containsExactly(
                        new DiskCache.Folder(Path.of("/a"), 3 * GIB),
                        new DiskCache.Folder(Path.of("/b"), 3 * GIB));
        assertThat(folders("/a,/b", "3GiB,1GiB"))
                .containsExactly(
                        new DiskCache.Folder(Path.of("/a"), 3 * GIB),
                        new DiskCache.Folder(Path.of("/b"), GIB));
        assertThatThrownBy(() -> folders("/a,/b,/c", "3GiB,1GiB"))
                .isInstanceOf(Refusal.class)
                .hasMessageContaining("names 3 folders, but disk-cache-size 2 sizes");
    }

    @Test
    void foldersOnOneFileSystemShareItsRoom() {
        assertThat(NodeSizing.usualDiskCache(100 * GIB, 1)).isEqualTo(20 * GIB);
        assertThat(NodeSizing.usualDiskCache(20 * GIB, 1)).isEqualTo(10 * GIB);
        assertThat(NodeSizing.usualDiskCache(20 * GIB, 2)).isEqualTo(5 * GIB);
        var both = withDisk(Map.of("disk-cache", temporary + "/one," + temporary + "/two"));
        assertThat(both.diskCache().orElseThrow().folders()).hasSize(2);
    }

    private List<DiskCache.Folder> folders(String paths, String sizes) {
        return withDisk(Map.of("disk-cache", paths, "disk-cache-size", sizes))
                .diskCache()
                .orElseThrow()
                .folders();
    }

    @Test
    void aDiskTierNeedsAFolderAndAHostTier() {
        assertThatThrownBy(() -> withDisk(Map.of("disk-cache-size", "1GiB")))
                .isInstanceOf(Refusal.class)
                .hasMessageContaining("disk-cache-size means nothing without disk-cache");
        assertThatThrownBy(() -> withDisk(Map.of("disk-cache-key-file", "key")))
                .isInstanceOf(Refusal.class)
                .hasMessageContaining("disk-cache-key-file means nothing without disk-cache");
        assertThatThrownBy(() -> withDisk(Map.of("disk-cache", "here", "host-cache", "0")))
                .hasMessageContaining("disk-cache needs the host tier");
    }

    private NodeOptions withDisk(Map<String, String> chosen) {
        return options(chosen, machine(8 * GIB, 8 * GIB), Optional.of(shared), 4096);
    }
}
