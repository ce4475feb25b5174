package dev.stator.cache.disk;

import dev.stator.cache.BlockKey;
import dev.stator.cache.Inventory;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;

/** Keeps all that changes files, in order, and when blocks came and went. */
final class RecordingIo implements SegmentIo, Inventory {
    /** One thing that happened. */
    sealed interface Event {
        record Create(String name) implements Event {}

        record Write(String name, long position, byte[] bytes) implements Event {}

        record Truncate(String name, long size) implements Event {}

        record Remove(String name) implements Event {}

        record Stored(BlockKey key) implements Event {}

        record Removed(BlockKey key) implements Event {}
    }

    private final SegmentIo real = new Channels(false);
    private final List<Event> events = new ArrayList<>();

    synchronized List<Event> events() {
        return List.copyOf(events);
    }

    private synchronized void add(Event event) {
        events.add(event);
    }

    private static String name(Path path) {
        return path.getFileName().toString();
    }

    @Override
    public void stored(BlockKey key) {
        add(new Event.Stored(key));
    }

    @Override
    public void removed(BlockKey key) {
        add(new Event.Removed(key));
    }

    /** As a tier that is closed says; what it holds stays. */
    @Override
    public void cleared() {}

    @Override
    public File create(Path path) throws IOException {
        add(new Event.Create(name(path)));
        return new Recorded(name(path), real.create(path));
    }

    @Override
    public File open(Path path, boolean write) throws IOException {
        return new Recorded(name(path), real.open(path, write));
    }

    @Override
    public void remove(Path path) throws IOException {
        add(new Event.Remove(name(path)));
        real.remove(path);
    }

    /** Does what happened again in a folder. */
    static void replay(Event event, Path folder) throws IOException {
        switch (event) {
            case Event.Create(String name) -> Files.createFile(folder.resolve(name));
            case Event.Write(String name, long position, byte[] bytes) ->
                    DiskTierTest.overwrite(folder.resolve(name), position, bytes);
            case Event.Truncate(String name, long size) -> truncate(folder.resolve(name), size);
            case Event.Remove(String name) -> Files.deleteIfExists(folder.resolve(name));
            case Event.Stored _, Event.Removed _ -> {}
        }
    }

    private static void truncate(Path file, long size) throws IOException {
        try (var random = new java.io.RandomAccessFile(file.toFile(), "rw")) {
            random.setLength(Math.min(size, random.length()));
        }
    }

    /** A part of it: some bytes from the beginning, or some pages in any order. */
    static void tear(Event.Write write, Path folder, Random random) throws IOException {
        Path file = folder.resolve(write.name());
        byte[] bytes = write.bytes();
        if (random.nextBoolean()) {
            byte[] beginning = Arrays.copyOf(bytes, random.nextInt(bytes.length));
            DiskTierTest.overwrite(file, write.position(), beginning);
            return;
        }
        for (int at = 0; at < bytes.length; at += RecordCodec.PAGE) {
            if (random.nextBoolean()) {
                int end = Math.min(bytes.length, at + RecordCodec.PAGE);
                byte[] page = Arrays.copyOfRange(bytes, at, end);
                DiskTierTest.overwrite(file, write.position() + at, page);
            }
        }
    }

    /** What had been said to be there before an event, and not to have gone. */
    static void account(Event event, Set<BlockKey> there) {
        switch (event) {
            case Event.Stored(BlockKey key) -> there.add(key);
            case Event.Removed(BlockKey key) -> there.remove(key);
            default -> {}
        }
    }

    private final class Recorded implements File {
        private final String name;
        private final File file;

        Recorded(String name, File file) {
            this.name = name;
            this.file = file;
        }

        @Override
        public void read(ByteBuffer into, long position) throws IOException {
            file.read(into, position);
        }

        @Override
        public void write(ByteBuffer from, long position) throws IOException {
            byte[] bytes = new byte[from.remaining()];
            from.duplicate().get(bytes);
            add(new Event.Write(name, position, bytes));
            file.write(from, position);
        }

        @Override
        public void force() throws IOException {
            file.force();
        }

        @Override
        public void truncate(long size) throws IOException {
            add(new Event.Truncate(name, size));
            file.truncate(size);
        }

        @Override
        public long size() throws IOException {
            return file.size();
        }

        @Override
        public void close() throws IOException {
            file.close();
        }
    }
}
