/// What POP3 lists of a folder.
extension AccountStore {
  func popListing(_ key: FolderKey) throws -> [POPMessage] {
    try perform { index in
      let view = try view(key, index)
      try sync(view, index)
      var messages = view.records.indices.map { position in
        let record = view.records[position]
        let size = record.size + (record.state.contains(.openEnded) ? 2 : 0)
        return POPMessage(uid: record.uid, size: size, uidl: "")
      }
      // Those kept come by rising UID, as the messages do.
      var position = 0
      var orders: [UInt32: UInt32] = [:]
      try index.forEachUIDL(key.id) { kept in
        while position < messages.count, messages[position].uid < kept.uid { position += 1 }
        guard position < messages.count, messages[position].uid == kept.uid else { return }
        messages[position].uidl = kept.text
        if let order = kept.order { orders[kept.uid] = order }
      }
      for position in messages.indices where messages[position].uidl.isEmpty {
        messages[position].uidl = view.names.withBase(position) { Self.uidl($0) }
      }
      guard !orders.isEmpty else { return messages }
      // The order another server had, then what has none by UID.
      return messages.sorted { (orders[$0.uid] ?? .max, $0.uid) < (orders[$1.uid] ?? .max, $1.uid) }
    }
  }

  /// The unique id a file name gives: its base up to the sizes, or a hash where that is no id (RFC 1939 section 7).
  static func uidl(_ base: UnsafeRawBufferPointer) -> String {
    let end = base.firstIndex(of: UInt8(ascii: ",")) ?? base.count
    let part = base[..<end]
    if (1...70).contains(end), part.allSatisfy({ (0x21...0x7e).contains($0) }) {
      return String(decoding: part, as: UTF8.self)
    }
    return hashed(part)
  }

  /// An id for octets that are none.
  static func hashed(_ octets: some Sequence<UInt8>) -> String {
    var one: UInt64 = 0xcbf2_9ce4_8422_2325
    var two: UInt64 = 0x8422_2325_cbf2_9ce4
    for octet in octets {
      one = (one ^ UInt64(octet)) &* 0x100_0000_01b3
      two = (two &+ UInt64(octet)) &* 0xff51_afd7_ed55_8ccd
      two ^= two >> 29
    }
    return "H" + String(one, radix: 16) + "-" + String(two, radix: 16)
  }
}
