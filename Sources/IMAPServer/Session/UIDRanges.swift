/// UIDs as ranges, for responses that name many.
enum UIDRanges {
  /// Ranges of rising UIDs.
  static func ranges(_ uids: [UInt32]) -> [ClosedRange<UInt32>] {
    var result: [ClosedRange<UInt32>] = []
    for uid in uids {
      if let last = result.last, last.upperBound < uid, uid - last.upperBound == 1 {
        result[result.count - 1] = last.lowerBound...uid
      } else {
        result.append(uid...uid)
      }
    }
    return result
  }

  /// Whether one of the ranges, ascending and apart from each other, holds the UID.
  static func contains(_ ranges: [ClosedRange<UInt32>], _ uid: UInt32) -> Bool {
    var low = 0
    var high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound < uid { low = middle + 1 } else { high = middle }
    }
    return low < ranges.count && ranges[low].contains(uid)
  }

  /// Whether one of the ranges, ascending and apart from each other, holds the UID.
  static func contains(_ ranges: [Range<UInt32>], _ uid: UInt32) -> Bool {
    var low = 0
    var high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound <= uid { low = middle + 1 } else { high = middle }
    }
    return low < ranges.count && ranges[low].contains(uid)
  }

  /// Adds a range that lies behind all others.
  static func append(_ range: Range<UInt32>, to ranges: inout [Range<UInt32>]) {
    if let last = ranges.last, last.upperBound == range.lowerBound {
      ranges[ranges.count - 1] = last.lowerBound..<range.upperBound
    } else {
      ranges.append(range)
    }
  }

  /// What of a range lies below UIDNEXT and is not in the view.
  static func gaps(in range: ClosedRange<UInt32>, below uidNext: UInt32, view: MailboxView) -> [ClosedRange<UInt32>] {
    var result: [ClosedRange<UInt32>] = []
    var start = UInt64(range.lowerBound)
    let end = min(UInt64(range.upperBound), UInt64(max(1, uidNext)) - 1)
    var position = view.lowerBound(range.lowerBound)
    while start <= end {
      let next = position < view.messages.count ? UInt64(view.messages[position].uid) : UInt64.max
      if next > start {
        result.append(UInt32(truncatingIfNeeded: start)...UInt32(truncatingIfNeeded: min(end, next - 1)))
      }
      guard next <= end else { break }
      start = next + 1
      position += 1
    }
    return result
  }
}
