/// Turns every CR, LF and CRLF into CRLF and drops NUL, for hosts that would rather mend than refuse.
struct LineMender {
  /// Whether the last octet was a CR, for which CRLF was written; an LF behind it is dropped.
  private var isAfterCR = false

  /// Whether octets must be looked at one by one.
  func isNeeded(for bytes: UnsafeRawBufferPointer) -> Bool {
    if isAfterCR { return true }
    var audit = LineAudit()
    audit.scan(bytes)
    return !audit.isClean || bytes.last == 0x0d
  }

  mutating func mend(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(bytes.count + 64)
    for octet in bytes {
      switch octet {
      case 0x00: continue
      case 0x0d:
        output += [0x0d, 0x0a]
        isAfterCR = true
        continue
      case 0x0a:
        if !isAfterCR { output += [0x0d, 0x0a] }
      default:
        output.append(octet)
      }
      isAfterCR = false
    }
    return output
  }
}
