import Glibc

/// The base names of a folder's messages, by position, in one block of memory; found by name through a hash.
struct NameTable {
  private var bytes: [UInt8] = []
  private var starts: [UInt32] = []
  private var counts: [UInt16] = []
  private var dead = 0
  // Open addressing; a slot holds position + 1. Empty means that it must be built.
  private var slots: [UInt32] = []

  /// The longest file name the kernel allows.
  static let longest = 255

  var count: Int { starts.count }

  /// Octets of memory taken, for the cache budget.
  var footprint: Int { bytes.capacity + starts.capacity * 6 + slots.capacity * 4 }

  mutating func reserve(_ count: Int) {
    let more = max(count, starts.count / 4)
    if starts.count + count > starts.capacity { starts.reserveCapacity(starts.count + more) }
    if counts.count + count > counts.capacity { counts.reserveCapacity(counts.count + more) }
    let room = count * 64
    if bytes.count + room > bytes.capacity { bytes.reserveCapacity(bytes.count + max(room, bytes.count / 4)) }
  }

  mutating func append(_ base: UnsafeRawBufferPointer) {
    starts.append(UInt32(truncatingIfNeeded: bytes.count))
    counts.append(UInt16(truncatingIfNeeded: base.count))
    bytes.append(contentsOf: base)
    guard !slots.isEmpty else { return }
    if starts.count * 2 > slots.count { slots = [] } else { insert(starts.count - 1) }
  }

  func withBase<T>(_ position: Int, _ body: (UnsafeRawBufferPointer) throws -> T) rethrows -> T {
    let start = Int(starts[position])
    let end = start + Int(counts[position])
    return try bytes.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[start..<end])) }
  }

  func base(_ position: Int) -> String { withBase(position) { String(decoding: $0, as: UTF8.self) } }

  /// The position of a base name.
  mutating func find(_ base: UnsafeRawBufferPointer) -> Int? {
    if slots.isEmpty { build() }
    guard !slots.isEmpty else { return nil }
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: Self.hash(base)) & mask
    while slots[slot] != 0 {
      let position = Int(slots[slot]) - 1
      if Int(counts[position]) == base.count {
        let start = Int(starts[position])
        let same = bytes.withUnsafeBytes { all -> Bool in
          guard let left = all.baseAddress, let right = base.baseAddress else { return base.isEmpty }
          return memcmp(left + start, right, base.count) == 0
        }
        if same { return position }
      }
      slot = (slot + 1) & mask
    }
    return nil
  }

  /// Removes positions, given rising.
  mutating func remove(_ positions: [Int]) {
    guard var next = positions.first else { return }
    var taken = 0
    var target = next
    for position in next..<starts.count {
      if taken < positions.count, position == next {
        dead += Int(counts[position])
        taken += 1
        next = taken < positions.count ? positions[taken] : -1
        continue
      }
      starts[target] = starts[position]
      counts[target] = counts[position]
      target += 1
    }
    starts.removeLast(starts.count - target)
    counts.removeLast(counts.count - target)
    slots = []
    if dead > bytes.count / 2 { compact() }
  }

  private mutating func compact() {
    var packed: [UInt8] = []
    packed.reserveCapacity(bytes.count - dead)
    for position in starts.indices {
      let start = Int(starts[position])
      starts[position] = UInt32(truncatingIfNeeded: packed.count)
      packed.append(contentsOf: bytes[start..<start + Int(counts[position])])
    }
    bytes = packed
    dead = 0
  }

  private mutating func build() {
    guard !starts.isEmpty else { return }
    var size = 64
    while size < starts.count * 3 { size *= 2 }
    slots = [UInt32](repeating: 0, count: size)
    for position in starts.indices { insert(position) }
  }

  private mutating func insert(_ position: Int) {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: withBase(position) { Self.hash($0) }) & mask
    while slots[slot] != 0 { slot = (slot + 1) & mask }
    slots[slot] = UInt32(truncatingIfNeeded: position + 1)
  }

  private static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var value: UInt64 = 0x9e37_79b9_7f4a_7c15 ^ UInt64(bytes.count)
    var position = 0
    while position + 8 <= bytes.count {
      value = (value ^ bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)) &* 0xff51_afd7_ed55_8ccd
      value ^= value >> 32
      position += 8
    }
    while position < bytes.count {
      value = (value ^ UInt64(bytes[position])) &* 0xff51_afd7_ed55_8ccd
      value ^= value >> 29
      position += 1
    }
    return value ^ value >> 31
  }
}
