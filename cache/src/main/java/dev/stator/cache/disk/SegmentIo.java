package dev.stator.cache.disk;

import com.sun.nio.file.ExtendedOpenOption;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** How segments are read and written; tests let it fail. */
interface SegmentIo {
    /** Positions, sizes and addresses of buffers are multiples of a page. */
    interface File extends AutoCloseable {
        /**
         * Fills the buffer up to its limit.
         *
         * @throws EOFException if the file ends before
         */
        void read(ByteBuffer into, long position) throws IOException;

        void write(ByteBuffer from, long position) throws IOException;

        /** Returns when what was written survives a loss of power. */
        void force() throws IOException;

        void truncate(long size) throws IOException;

        long size() throws IOException;

        @Override
        void close() throws IOException;
    }

    /** Chooses how, for a folder. */
    @FunctionalInterface
    interface Opener {
        SegmentIo open(Path folder) throws IOException;
    }

    /** A file that only its owner may read, for writing as well. */
    File create(Path path) throws IOException;

    File open(Path path, boolean write) throws IOException;

    /** Whoever has the file open can still read it. */
    void remove(Path path) throws IOException;

    /** A zeroed buffer that a file can be read into and written from. */
    static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocateDirect(bytes + RecordCodec.PAGE).alignedSlice(RecordCodec.PAGE);
    }

    /**
     * Past the page cache where the folder's file system can do that, so that KV does not drive out
     * what others have there.
     */
    static SegmentIo system(Path folder) throws IOException {
        return new Channels(takesDirect(folder));
    }

    private static boolean takesDirect(Path folder) throws IOException {
        Path probe = Files.createTempFile(folder, "probe-", ".tmp");
        try (FileChannel channel =
                FileChannel.open(probe, StandardOpenOption.WRITE, ExtendedOpenOption.DIRECT)) {
            channel.write(buffer(RecordCodec.PAGE).limit(RecordCodec.PAGE), 0);
            return true;
        } catch (IOException | UnsupportedOperationException _) {
            return false;
        } finally {
            Files.deleteIfExists(probe);
        }
    }

    /** Files of the system. */
    record Channels(boolean direct) implements SegmentIo {
        @Override
        public File create(Path path) throws IOException {
            boolean posix = Files.getFileStore(path.getParent()).supportsFileAttributeView("posix");
            if (posix) {
                Files.createFile(
                        path,
                        PosixFilePermissions.asFileAttribute(
                                PosixFilePermissions.fromString("rw-------")));
            } else {
                Files.createFile(path);
            }
            return open(path, true);
        }

        @Override
        public File open(Path path, boolean write) throws IOException {
            List<OpenOption> how = new ArrayList<>(List.of(StandardOpenOption.READ));
            if (write) {
                how.add(StandardOpenOption.WRITE);
            }
            if (direct) {
                how.add(ExtendedOpenOption.DIRECT);
            }
            return new Channel(FileChannel.open(path, Set.copyOf(how)));
        }

        @Override
        public void remove(Path path) throws IOException {
            Files.deleteIfExists(path);
        }
    }

    /** Safe for readers beside one writer. Its threads must not be interrupted. */
    record Channel(FileChannel channel) implements File {
        @Override
        public void read(ByteBuffer into, long position) throws IOException {
            long at = position;
            while (into.hasRemaining()) {
                int read = channel.read(into, at);
                if (read <= 0) {
                    throw new EOFException("the file ends at %d".formatted(at));
                }
                at += read;
            }
        }

        @Override
        public void write(ByteBuffer from, long position) throws IOException {
            long at = position;
            while (from.hasRemaining()) {
                at += channel.write(from, at);
            }
        }

        @Override
        public void force() throws IOException {
            channel.force(false);
        }

        @Override
        public void truncate(long size) throws IOException {
            channel.truncate(size);
        }

        @Override
        public long size() throws IOException {
            return channel.size();
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }
}
