package dev.stator.models;

/** The type of a metadata value; the ordinal is the number in the file. */
public enum GgufType {
    UINT8(1),
    INT8(1),
    UINT16(2),
    INT16(2),
    UINT32(4),
    INT32(4),
    FLOAT32(4),
    BOOL(1),
    STRING(0),
    ARRAY(0),
    UINT64(8),
    INT64(8),
    FLOAT64(8);

    /** Bytes of a value; 0 where it has a length of its own. */
    final int bytes;

    GgufType(int bytes) {
        this.bytes = bytes;
    }
}
