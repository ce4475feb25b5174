package dev.stator.cache.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A disk tier in real files whose reads can be made to take long, or to hang. */
public final class SlowDisk {
    private final AtomicInteger reads = new AtomicInteger();
    private volatile CountDownLatch held = new CountDownLatch(0);
    private volatile Duration most = Duration.ZERO;

    public DiskTier open(DiskTierOptions options) {
        return DiskTier.open(options, _ -> new Io());
    }

    /** From now on each read takes so long, unless it is {@linkplain #recover let go} before. */
    public void slowDown(Duration each) {
        most = each;
        held = new CountDownLatch(1);
    }

    /** Reads are quick from now on, those included that are on their way. */
    public void recover() {
        held.countDown();
    }

    /** Reads that were begun. */
    public int reads() {
        return reads.get();
    }

    private void reading() throws IOException {
        reads.incrementAndGet();
        try {
            var _ = held.await(most.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    private final class Io implements SegmentIo {
        private final SegmentIo real = new Channels(false);

        @Override
        public File create(Path path) throws IOException {
            return new Slow(real.create(path));
        }

        @Override
        public File open(Path path, boolean write) throws IOException {
            return new Slow(real.open(path, write));
        }

        @Override
        public void remove(Path path) throws IOException {
            real.remove(path);
        }
    }

    private final class Slow implements SegmentIo.File {
        private final SegmentIo.File file;

        Slow(SegmentIo.File file) {
            this.file = file;
        }

        @Override
        public void read(ByteBuffer into, long position) throws IOException {
            reading();
            file.read(into, position);
        }

        @Override
        public void write(ByteBuffer from, long position) throws IOException {
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
