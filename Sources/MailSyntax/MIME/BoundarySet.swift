/// The boundaries that are open at a place in a message, looked up in time linear to the line.
///
/// A line's hash is carried along octet by octet and compared only at lengths some boundary has, so that neither a
/// hundred nested boundaries nor a million lines of hyphens cost more than reading them.
struct BoundarySet {
  /// Unknown to senders, so that nobody can make boundaries that collide.
  private static let seed = UInt64.random(in: .min ... .max)

  private struct Entry {
    let octets: [UInt8]
    let hash: UInt64
    let level: Int
    /// The entry of the same hash that this one hides.
    let hidden: Int?
  }
  private var entries: [Entry] = []
  private var newest: [UInt64: Int] = [:]
  private var lengths: [Int]
  private var longest = 0

  init(maximumLength: Int) { lengths = [Int](repeating: 0, count: max(maximumLength, 1) + 1) }

  var isEmpty: Bool { entries.isEmpty }

  /// Opens a boundary that belongs to the part at a level of the stack; levels only grow.
  mutating func push(_ boundary: [UInt8], level: Int) {
    let octets = Array(boundary.prefix(lengths.count - 1))
    var hash = Self.seed
    for octet in octets { hash = Self.step(hash, octet) }
    entries.append(Entry(octets: octets, hash: hash, level: level, hidden: newest[hash]))
    newest[hash] = entries.count - 1
    lengths[octets.count] += 1
    longest = max(longest, octets.count)
  }

  /// Closes the boundaries of all parts at or above a level.
  mutating func pop(downTo level: Int) {
    while let last = entries.last, last.level >= level {
      entries.removeLast()
      newest[last.hash] = last.hidden
      lengths[last.octets.count] -= 1
    }
    while longest > 0, lengths[longest] == 0 { longest -= 1 }
  }

  /// Looks for the longest boundary that a line begins with; `start` is behind the two hyphens.
  ///
  /// - Returns: the level of its part, and whether two more hyphens close it (RFC 2046 section 5.1.1).
  func match(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> (level: Int, closes: Bool)? {
    var hash = Self.seed
    var found: Int?
    var length = 0
    let limit = min(end - start, longest)
    while length < limit {
      hash = Self.step(hash, bytes[start + length])
      length += 1
      if lengths[length] > 0, let index = newest[hash], isSame(entries[index].octets, bytes, start, length) {
        found = index
      }
    }
    guard let found else { return nil }
    let behind = start + entries[found].octets.count
    let closes = behind + 1 < end && bytes[behind] == ASCII.hyphen && bytes[behind + 1] == ASCII.hyphen
    return (entries[found].level, closes)
  }

  private func isSame(_ octets: [UInt8], _ bytes: Span<UInt8>, _ start: Int, _ length: Int) -> Bool {
    guard octets.count == length else { return false }
    for index in octets.indices where octets[index] != bytes[start + index] { return false }
    return true
  }

  private static func step(_ hash: UInt64, _ octet: UInt8) -> UInt64 {
    let mixed = (hash ^ UInt64(octet)) &* 0x9e37_79b9_7f4a_7c15
    return mixed ^ mixed >> 29
  }
}
