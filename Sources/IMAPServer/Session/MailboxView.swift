import MailStore

/// What one session's client knows of its mailbox: the messages by sequence number.
///
/// As a rule the array is the snapshot's own, shared by all sessions; a copy is made only while messages are gone
/// that the client may not yet be told about (RFC 3501 section 7.4.1).
struct MailboxView {
  /// What has become different, in the order in which a client can follow it.
  struct Changes {
    /// Sequence numbers that vanish, highest first, so that each is right when it is told.
    var expunged: [Int] = []
    /// The UIDs of those, rising.
    var expungedUIDs: [UInt32] = []
    /// Positions in the new view whose flags or MODSEQ differ.
    var changed: [Int] = []
    /// Position of the first new message.
    var firstNew = 0
    /// Whether the set of keywords has grown or changed.
    var keywordsChanged = false
  }

  /// Messages in the order of their sequence numbers, vanished ones included until told.
  private(set) var messages: [MessageRecord]
  /// The mailbox the view was last compared with.
  private(set) var snapshot: MailboxSnapshot
  /// Whether `messages` holds some that are gone.
  private(set) var holdsVanished = false

  init(_ snapshot: MailboxSnapshot) {
    self.snapshot = snapshot
    messages = snapshot.messages
  }

  /// Whether nothing can have become different.
  func isCurrent(_ current: MailboxSnapshot, allowExpunge: Bool) -> Bool {
    current.version == snapshot.version && !(allowExpunge && holdsVanished)
  }

  /// Moves the view to another snapshot and says what the client must hear.
  ///
  /// - Parameters:
  ///   - allowExpunge: whether messages that are gone may leave the view now.
  ///   - modSeq: whether a new MODSEQ alone is a change (RFC 7162).
  mutating func advance(to current: MailboxSnapshot, allowExpunge: Bool, modSeq: Bool) -> Changes {
    var changes = Changes()
    changes.keywordsChanged = current.keywords != snapshot.keywords
    let fresh = current.messages
    // Stays nil as long as the new view is the beginning of the snapshot's own array.
    var merged: [MessageRecord]?
    var new = 0
    var kept = 0
    for (old, known) in messages.enumerated() {
      while new < fresh.count, fresh[new].uid < known.uid {
        // A UID below one the client has seen cannot come up in a mailbox; it waits for the next SELECT.
        if merged == nil { merged = Array(fresh[..<new]) }
        new += 1
      }
      if new < fresh.count, fresh[new].uid == known.uid {
        if fresh[new].differs(from: known, modSeq: modSeq) { changes.changed.append(kept) }
        merged?.append(fresh[new])
        new += 1
        kept += 1
      } else if allowExpunge {
        changes.expunged.append(old + 1)
        changes.expungedUIDs.append(known.uid)
      } else {
        if merged == nil { merged = Array(fresh[..<new]) }
        merged?.append(known)
        kept += 1
      }
    }
    changes.firstNew = kept
    merged?.append(contentsOf: fresh[new...])
    messages = merged ?? fresh
    holdsVanished = merged != nil
    snapshot = current
    changes.expunged.reverse()
    return changes
  }

  /// The position of a UID, or `nil`.
  func index(of uid: UInt32) -> Int? {
    let position = lowerBound(uid)
    return position < messages.count && messages[position].uid == uid ? position : nil
  }

  /// The first position whose UID is at least `uid`.
  func lowerBound(_ uid: UInt32) -> Int {
    var low = 0
    var high = messages.count
    while low < high {
      let middle = (low + high) / 2
      if messages[middle].uid < uid { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The positions a set names; in time proportional to the set's ranges, not to their width.
  func positions(_ set: SequenceSet, uid: Bool) throws(Refusal) -> [Range<Int>] {
    if uid {
      let star = messages.last?.uid ?? 0
      return set.ranges(star: star).compactMap { range in
        let lower = lowerBound(range.lowerBound)
        let upper = range.upperBound == .max ? messages.count : lowerBound(range.upperBound + 1)
        return lower < upper ? lower..<upper : nil
      }
    }
    guard !set.exceeds(UInt32(clamping: messages.count)) else { throw .bad("There is no such message sequence number") }
    return positions(within: set)
  }

  /// The positions of those numbers of a set that there are.
  func positions(within set: SequenceSet) -> [Range<Int>] {
    let count = UInt32(clamping: messages.count)
    return set.ranges(star: count).compactMap { range in
      let upper = min(range.upperBound, count)
      return range.lowerBound <= upper ? Int(range.lowerBound) - 1..<Int(upper) : nil
    }
  }

  /// The positions of UIDs that are still in the view, as ranges.
  func positions(of uids: [UInt32]) -> [Range<Int>] {
    var result: [Range<Int>] = []
    for uid in uids {
      guard let position = index(of: uid) else { continue }
      if let last = result.last, last.upperBound == position {
        result[result.count - 1] = last.lowerBound..<position + 1
      } else {
        result.append(position..<position + 1)
      }
    }
    return result
  }

  /// The UIDs at the given positions.
  func uids(_ positions: [Range<Int>]) -> [UInt32] {
    var result: [UInt32] = []
    result.reserveCapacity(positions.reduce(0) { $0 + $1.count })
    for range in positions { for index in range { result.append(messages[index].uid) } }
    return result
  }
}

extension MessageRecord {
  /// Whether a client would see a difference.
  func differs(from other: MessageRecord, modSeq withModSeq: Bool) -> Bool {
    flags != other.flags || keywords != other.keywords || (withModSeq && modSeq != other.modSeq)
  }
}
