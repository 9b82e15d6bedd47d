/// A Maildir file name taken apart: `<sec>.M<usec>P<pid>Q<n>.<host>,S=<bytes>,W=<wire>:2,<flags>`.
struct MaildirName {
  /// Octets of the base: all before the `:` that starts the info.
  var baseCount: Int
  /// The system flags the info names.
  var flags: MessageFlags = []
  /// Whether base, place and flags alone give the file's name.
  var isCanonical: Bool
  /// Delivery time for sorting: seconds, then microseconds, in one number.
  var order: UInt64 = 0
  /// The delivery time in seconds.
  var seconds: UInt32 = 0
  /// `S=`.
  var fileBytes: UInt32?
  /// `W=`.
  var wireBytes: UInt32?
  /// Whether this program made the name and the file's date is the name's.
  var hasOwnDate = false
  /// Whether this program made the name: its seconds tell when the message came into the folder.
  var isOwn = false

  /// Parses a name as found in `cur/` or `new/`.
  init(_ name: UnsafeRawBufferPointer, inNew: Bool) {
    var position = 0
    var seconds: UInt64 = 0
    while position < name.count, let digit = Self.digit(name[position]), seconds < 100_000_000_000 {
      seconds = seconds * 10 + digit
      position += 1
    }
    self.seconds = UInt32(clamping: seconds)
    var micro: UInt64 = 0
    var own = false
    if position + 1 < name.count, name[position] == UInt8(ascii: "."), name[position + 1] == UInt8(ascii: "M") {
      position += 2
      while position < name.count, let digit = Self.digit(name[position]), micro < 1_000_000 {
        micro = micro * 10 + digit
        position += 1
      }
      own = position < name.count && name[position] == UInt8(ascii: "P")
    }
    order = min(seconds, 1 << 40) << 20 | min(micro, 999_999)
    var ownEnd: UInt8 = 0
    var inFields = false
    baseCount = name.count
    while position < name.count {
      let octet = name[position]
      if octet == UInt8(ascii: ":") {
        baseCount = position
        break
      }
      if own, ownEnd == 0 {
        if octet == UInt8(ascii: "Q") { ownEnd = 1 }
        if octet == UInt8(ascii: ".") { own = false }
      } else if own, ownEnd == 1, Self.digit(octet) == nil {
        // `Q<n>.` is ours; `Q<n>D.` is ours with a date of its own in the file's mtime.
        own = octet == UInt8(ascii: ".")
        isOwn = own || octet == UInt8(ascii: "D")
        ownEnd = 2
      }
      if octet == UInt8(ascii: ","), position + 2 < name.count, name[position + 2] == UInt8(ascii: "=") {
        inFields = true
        let kind = name[position + 1]
        var value: UInt64 = 0
        var digits = 0
        position += 3
        while position < name.count, let digit = Self.digit(name[position]), value < 1 << 33 {
          value = value * 10 + digit
          digits += 1
          position += 1
        }
        if digits > 0, let size = UInt32(exactly: value) {
          if kind == UInt8(ascii: "S") { fileBytes = size }
          if kind == UInt8(ascii: "W") { wireBytes = size }
        }
        continue
      }
      position += 1
    }
    hasOwnDate = own && ownEnd == 2 && inFields
    isCanonical = true
    readInfo(name, inNew: inNew)
  }

  private mutating func readInfo(_ name: UnsafeRawBufferPointer, inNew: Bool) {
    guard baseCount < name.count else {
      isCanonical = inNew
      return
    }
    var position = baseCount + 1
    guard position + 1 < name.count, name[position] == UInt8(ascii: "2"), name[position + 1] == UInt8(ascii: ",") else {
      isCanonical = false
      return
    }
    position += 2
    isCanonical = !inNew
    var previous: UInt8 = 0
    while position < name.count {
      let octet = name[position]
      switch octet {
      case UInt8(ascii: "S"): flags.insert(.seen)
      case UInt8(ascii: "R"): flags.insert(.answered)
      case UInt8(ascii: "F"): flags.insert(.flagged)
      case UInt8(ascii: "T"): flags.insert(.deleted)
      case UInt8(ascii: "D"): flags.insert(.draft)
      default: isCanonical = false
      }
      if octet <= previous { isCanonical = false }
      previous = octet
      position += 1
    }
  }

  @inline(__always) private static func digit(_ octet: UInt8) -> UInt64? {
    let value = octet &- 0x30
    return value < 10 ? UInt64(value) : nil
  }

  /// The info part of flags, `:2,` included, letters in ASCII order.
  static func info(_ flags: MessageFlags) -> String {
    var text = ":2,"
    if flags.contains(.draft) { text += "D" }
    if flags.contains(.flagged) { text += "F" }
    if flags.contains(.answered) { text += "R" }
    if flags.contains(.seen) { text += "S" }
    if flags.contains(.deleted) { text += "T" }
    return text
  }

  /// The letters of an odd name's info that are no system flags (other programs' keywords, `P`assed); kept on renames.
  static func otherLetters(_ fileName: String) -> String {
    guard let start = fileName.utf8.lastIndex(of: UInt8(ascii: ":")) else { return "" }
    let info = fileName.utf8[start...]
    guard info.starts(with: ":2,".utf8) else { return "" }
    let letters = info.dropFirst(3).filter { !"DFRST".utf8.contains($0) && $0 > 0x20 && $0 != 0x2f && $0 < 0x7f }
    return String(decoding: letters, as: UTF8.self)
  }
}
