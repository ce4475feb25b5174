package dev.stator.cache.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/** A file system with a quota of bytes, whose reads can be made to fail or to hang. */
class FlakyIo implements SegmentIo {
    final AtomicLong quota = new AtomicLong(Long.MAX_VALUE);
    final AtomicBoolean readsFail = new AtomicBoolean();
    final AtomicBoolean readOnly = new AtomicBoolean();

    /** Reads wait for it. */
    volatile CountDownLatch held = new CountDownLatch(0);

    private final Semaphore reading = new Semaphore(0);
    private final SegmentIo real = new Channels(false);

    /** About to read. */
    void reading() throws IOException {
        if (readsFail.get()) {
            throw new IOException("Input/output error");
        }
        CountDownLatch until = held;
        if (until.getCount() > 0) {
            reading.release();
            try {
                until.await();
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
        }
    }

    /** Returns when a read waits. */
    void awaitReading() throws InterruptedException {
        reading.acquire();
    }

    @Override
    public File create(Path path) throws IOException {
        if (readOnly.get()) {
            throw new IOException("Read-only file system");
        }
        return new Flaky(real.create(path));
    }

    @Override
    public File open(Path path, boolean write) throws IOException {
        return new Flaky(real.open(path, write));
    }

    @Override
    public void remove(Path path) throws IOException {
        real.remove(path);
    }

    private final class Flaky implements File {
        private final File file;

        Flaky(File file) {
            this.file = file;
        }

        @Override
        public void read(ByteBuffer into, long position) throws IOException {
            reading();
            file.read(into, position);
        }

        @Override
        public void write(ByteBuffer from, long position) throws IOException {
            if (readOnly.get()) {
                throw new IOException("Read-only file system");
            }
            long left = quota.addAndGet(-from.remaining());
            if (left < 0) {
                // As a full file system does: part of it is written.
                int written = (int) Math.max(0, from.remaining() + left) / 2;
                file.write(from.duplicate().limit(from.position() + written), position);
                throw new IOException("No space left on device");
            }
            file.write(from, position);
        }

        @Override
        public void force() throws IOException {
            file.force();
        }

        @Override
        public void truncate(long size) throws IOException {
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
