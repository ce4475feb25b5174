package dev.stator.cache.disk;

import dev.stator.cache.CacheException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Opens the folders of a tier, and reads them all at once. */
final class Folders {
    private Folders() {}

    /**
     * @throws CacheException if one of them cannot be used, or two are one
     */
    static List<Folder> open(DiskTierOptions options, SegmentIo.Opener io) {
        create(options.folders());
        List<Folder> opened = new ArrayList<>();
        try {
            for (DiskFolder settings : options.folders()) {
                opened.add(Folder.open(options, settings, io));
            }
            return opened;
        } catch (RuntimeException e) {
            opened.forEach(Folder::close);
            throw e;
        }
    }

    private static void create(List<DiskFolder> folders) {
        List<Path> real = new ArrayList<>();
        for (DiskFolder folder : folders) {
            try {
                Files.createDirectories(folder.path());
                real.add(folder.path().toRealPath());
            } catch (IOException | UnsupportedOperationException e) {
                throw Folder.unusable(folder.path(), e);
            }
        }
        for (int i = 0; i < real.size(); i++) {
            for (int j = 0; j < real.size(); j++) {
                if (i != j && real.get(j).startsWith(real.get(i))) {
                    throw new CacheException(
                            real.get(i).equals(real.get(j))
                                    ? "The disk tier's folders %s and %s are the same: name each once."
                                            .formatted(folders.get(i).path(), folders.get(j).path())
                                    : "The disk tier's folder %s lies in another of its folders, %s: name folders beside each other."
                                            .formatted(
                                                    folders.get(j).path(), folders.get(i).path()));
                }
            }
        }
    }

    /**
     * What each of them holds.
     *
     * @throws CacheException if one of them cannot be read
     */
    static List<Folder.Loaded> load(List<Folder> folders) {
        try (ExecutorService pool =
                Executors.newThreadPerTaskExecutor(
                        Thread.ofPlatform().name("disk-loader-", 0).daemon().factory())) {
            List<Future<List<Folder.Loaded>>> loading =
                    folders.stream().map(folder -> pool.submit(folder::load)).toList();
            List<Folder.Loaded> loaded = new ArrayList<>();
            for (Future<List<Folder.Loaded>> one : loading) {
                loaded.addAll(one.get());
            }
            return loaded;
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException failed) {
                throw failed;
            }
            throw new IllegalStateException("loading a folder failed", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CacheException("interrupted while the disk tier was opened", e);
        }
    }
}
