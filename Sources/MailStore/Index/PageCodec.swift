/// Up to 64 messages (one UID / 64) as one blob: what a row per message would cost ten times as long to write.
///
/// Layout, little-endian: count (2), then per message 40 octets of facts and 2 octets of base length, 2 of odd name
/// length, then base and odd name.
enum PageCodec {
  static let uidsPerPage: UInt32 = 64
  private static let fixed = 44

  static func encode(_ view: FolderView, page: UInt32) -> [UInt8] {
    let first = UInt64(page) << 6
    var position = lowerBound(view.records, UInt32(clamping: first))
    let start = position
    while position < view.records.count, view.records[position].uid >> 6 == page { position += 1 }
    guard position > start else { return [] }
    var bytes: [UInt8] = []
    bytes.reserveCapacity((position - start) * 100 + 2)
    put(&bytes, UInt16(truncatingIfNeeded: position - start))
    for index in start..<position {
      let record = view.records[index]
      put(&bytes, record.keywords)
      put(&bytes, record.modSeq)
      put(&bytes, record.uid)
      put(&bytes, record.internalSeconds)
      put(&bytes, record.saveSeconds)
      put(&bytes, record.fileBytes)
      put(&bytes, record.wireBytes)
      bytes.append(record.flags.rawValue)
      bytes.append(record.state.rawValue)
      bytes.append(0)
      bytes.append(0)
      let odd =
        record.state.contains(.oddName) ? Array((view.oddNames[record.uid] ?? "").utf8.prefix(NameTable.longest)) : []
      view.names.withBase(index) { base in
        put(&bytes, UInt16(truncatingIfNeeded: base.count))
        put(&bytes, UInt16(truncatingIfNeeded: odd.count))
        bytes.append(contentsOf: base)
      }
      bytes.append(contentsOf: odd)
    }
    return bytes
  }

  /// Adds a page's messages to a view; `false` when the blob makes no sense.
  static func decode(_ bytes: UnsafeRawBufferPointer, page: UInt32, into view: FolderView) -> Bool {
    guard bytes.count >= 2 else { return false }
    let count = Int(bytes.loadUnaligned(fromByteOffset: 0, as: UInt16.self))
    var position = 2
    for _ in 0..<count {
      guard position + fixed <= bytes.count else { return false }
      var record = MessageRecord(uid: bytes.loadUnaligned(fromByteOffset: position + 16, as: UInt32.self))
      record.keywords = bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
      record.modSeq = bytes.loadUnaligned(fromByteOffset: position + 8, as: UInt64.self)
      record.internalSeconds = bytes.loadUnaligned(fromByteOffset: position + 20, as: UInt32.self)
      record.saveSeconds = bytes.loadUnaligned(fromByteOffset: position + 24, as: UInt32.self)
      record.fileBytes = bytes.loadUnaligned(fromByteOffset: position + 28, as: UInt32.self)
      record.wireBytes = bytes.loadUnaligned(fromByteOffset: position + 32, as: UInt32.self)
      record.flags = MessageFlags(rawValue: bytes[position + 36])
      record.state = MessageRecord.State(rawValue: bytes[position + 37])
      let base = Int(bytes.loadUnaligned(fromByteOffset: position + 40, as: UInt16.self))
      let odd = Int(bytes.loadUnaligned(fromByteOffset: position + 42, as: UInt16.self))
      position += fixed
      guard position + base + odd <= bytes.count, base > 0, record.uid >> 6 == page,
        record.uid > (view.records.last?.uid ?? 0)
      else { return false }
      view.append(record, base: UnsafeRawBufferPointer(rebasing: bytes[position..<position + base]), isSaved: true)
      if odd > 0 {
        let name = bytes[(position + base)..<(position + base + odd)]
        view.oddNames[record.uid] = String(decoding: name, as: UTF8.self)
      }
      position += base + odd
    }
    return position == bytes.count
  }

  private static func lowerBound(_ records: [MessageRecord], _ uid: UInt32) -> Int {
    var low = 0
    var high = records.count
    while low < high {
      let middle = (low + high) / 2
      if records[middle].uid < uid { low = middle + 1 } else { high = middle }
    }
    return low
  }

  @inline(__always) private static func put(_ bytes: inout [UInt8], _ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }
}
