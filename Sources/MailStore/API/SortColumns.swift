import Glibc

/// A header text that SORT orders by (RFC 5256 section 3, RFC 5957 section 3).
package enum SortText: Int, Hashable, Sendable, CaseIterable {
  /// SUBJECT: the base subject.
  case subject
  /// FROM: the first address' mailbox.
  case from
  /// TO.
  case to
  /// CC.
  case cc
  /// DISPLAYFROM.
  case displayFrom
  /// DISPLAYTO.
  case displayTo
}

/// Texts of many messages in one block of memory, folded, compared octet by octet.
package struct TextColumn: Sendable {
  private var octets: [UInt8] = []
  private var ends: [Int] = []
  /// The first eight octets of each as a number, which decides most comparisons.
  private var heads: [UInt64] = []

  /// How many texts there are.
  package var count: Int { ends.count }

  mutating func append(_ text: UnsafeRawBufferPointer) {
    octets.append(contentsOf: text)
    ends.append(octets.count)
    var head: UInt64 = 0
    for index in 0..<8 { head = head << 8 | UInt64(index < text.count ? text[index] : 0) }
    heads.append(head)
  }

  mutating func reserve(_ count: Int) {
    ends.reserveCapacity(count)
    heads.reserveCapacity(count)
  }

  /// Less than 0 when the left text comes before the right one, 0 when they are the same.
  package func compare(_ left: Int, _ right: Int) -> Int {
    if heads[left] != heads[right] { return heads[left] < heads[right] ? -1 : 1 }
    let (first, second) = (range(left), range(right))
    return octets.withUnsafeBytes { all in
      guard let start = all.baseAddress else { return 0 }
      let order = memcmp(start + first.lowerBound, start + second.lowerBound, min(first.count, second.count))
      return order != 0 ? Int(order) : first.count - second.count
    }
  }

  private func range(_ index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }
}

/// What SORT needs of many messages, in the order asked for; one that vanished has empty texts and no date.
package struct SortColumns: Sendable {
  /// A column for each text asked for, in that order.
  package var texts: [TextColumn]
  /// The `Date:` header's moment in milliseconds.
  package var sentMilliseconds: [Int64?] = []

  init(texts count: Int, rows: Int) {
    texts = [TextColumn](repeating: TextColumn(), count: count)
    for index in texts.indices { texts[index].reserve(rows) }
    sentMilliseconds.reserveCapacity(rows)
  }

  mutating func append(_ fields: [SortText], of blob: UnsafeRawBufferPointer?) {
    guard let blob, let ranges = HeaderKeys.ranges(blob) else {
      for index in texts.indices { texts[index].append(UnsafeRawBufferPointer(start: nil, count: 0)) }
      sentMilliseconds.append(nil)
      return
    }
    for (index, field) in fields.enumerated() {
      texts[index].append(UnsafeRawBufferPointer(rebasing: blob[ranges[HeaderKeys.position(field)]]))
    }
    sentMilliseconds.append(HeaderKeys.sentMilliseconds(blob))
  }
}

extension Mailbox {
  /// Sort keys of messages as columns, which costs a fraction of `keys(_:)`.
  ///
  /// - Parameter uids: the messages, rising.
  package func sortColumns(_ uids: [UInt32], _ fields: [SortText]) async throws -> SortColumns {
    let (columns, missing) = try await store.sortColumns(key, uids, fields)
    guard !missing.isEmpty else { return columns }
    for start in stride(from: 0, to: missing.count, by: 4096) {
      _ = try await store.compute(key, Array(missing[start..<min(missing.count, start + 4096)]))
    }
    return try await store.sortColumns(key, uids, fields).columns
  }
}

extension AccountStore {
  fileprivate func sortColumns(
    _ key: FolderKey, _ uids: [UInt32], _ fields: [SortText]
  ) throws -> (columns: SortColumns, missing: [LocatedMessage]) {
    startFilling()
    keepUnkept()
    return try perform { index in
      let view = try view(key, index)
      var columns = SortColumns(texts: fields.count, rows: uids.count)
      var absent: [UInt32] = []
      var next = 0
      try index.eachRow("message_keys", "keys", key.id, uids) { uid, row in
        while next < uids.count, uids[next] < uid {
          absent.append(uids[next])
          columns.append(fields, of: nil)
          next += 1
        }
        guard next < uids.count, uids[next] == uid else { return }
        row.withBlob(1) { columns.append(fields, of: $0) }
        next += 1
      }
      for uid in uids[next...] {
        absent.append(uid)
        columns.append(fields, of: nil)
      }
      let missing = absent.isEmpty ? [] : missing(absent, having: [], view)
      return (columns, missing)
    }
  }
}
