package dev.stator.routing.index;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * A snapshot, big-endian:
 *
 * <pre>
 * long  magic
 * int   version
 * parts, each:
 *   int   length of the content
 *   int   CRC-32C of the length and the content
 *   byte  kind, and the rest of the content:
 *     PLACES, once and first
 *       int count; per place: byte tier, byte in step, long sequence, int length, owner in UTF-8
 *     BLOCKS, any number
 *       int sets; per set: int count, int place ...
 *       int blocks; long key ...; short set ...
 *     END, once and last
 *       long blocks of all parts
 * </pre>
 *
 * Places are named by their position in the snapshot, sets by theirs in the part.
 */
final class SnapshotFormat {
    /** "STATORIX". */
    static final long MAGIC = 0x5354_4154_4F52_4958L;

    static final int VERSION = 1;
    static final byte PLACES = 1;
    static final byte BLOCKS = 2;
    static final byte END = 3;

    private SnapshotFormat() {}

    static int checksum(byte[] content) {
        CRC32C crc = new CRC32C();
        crc.update(ByteBuffer.allocate(Integer.BYTES).putInt(content.length).flip());
        crc.update(content);
        return (int) crc.getValue();
    }
}
