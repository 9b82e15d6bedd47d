/// What a filter may do at the end of a message (SMFIF flags).
struct MilterActions: OptionSet, Sendable {
  let rawValue: UInt32
  static let addHeaders = MilterActions(rawValue: 0x01)
  static let changeBody = MilterActions(rawValue: 0x02)
  static let addRecipients = MilterActions(rawValue: 0x04)
  static let deleteRecipients = MilterActions(rawValue: 0x08)
  static let changeHeaders = MilterActions(rawValue: 0x10)
  static let quarantine = MilterActions(rawValue: 0x20)
  static let changeSender = MilterActions(rawValue: 0x40)
  static let addRecipientsWithParameters = MilterActions(rawValue: 0x80)

  /// All that are done here but lists of macros (0x100), which are fixed.
  static let offered = MilterActions(rawValue: 0xff)
}

/// Which events a filter does not want, and which it does not answer (SMFIP flags).
struct MilterSteps: OptionSet, Sendable {
  let rawValue: UInt32
  static let noConnect = MilterSteps(rawValue: 0x01)
  static let noHelo = MilterSteps(rawValue: 0x02)
  static let noMail = MilterSteps(rawValue: 0x04)
  static let noRecipient = MilterSteps(rawValue: 0x08)
  static let noBody = MilterSteps(rawValue: 0x10)
  static let noHeaders = MilterSteps(rawValue: 0x20)
  static let noEndOfHeaders = MilterSteps(rawValue: 0x40)
  static let silentHeaders = MilterSteps(rawValue: 0x80)
  static let noData = MilterSteps(rawValue: 0x200)
  static let skip = MilterSteps(rawValue: 0x400)
  static let silentConnect = MilterSteps(rawValue: 0x1000)
  static let silentHelo = MilterSteps(rawValue: 0x2000)
  static let silentMail = MilterSteps(rawValue: 0x4000)
  static let silentRecipient = MilterSteps(rawValue: 0x8000)
  static let silentData = MilterSteps(rawValue: 0x10000)
  static let silentEndOfHeaders = MilterSteps(rawValue: 0x40000)
  static let silentBody = MilterSteps(rawValue: 0x80000)
  /// Header values keep the blank behind the colon, in both directions.
  static let leadingSpace = MilterSteps(rawValue: 0x10_0000)

  /// All but refused recipients (0x800), which filters are not shown, and packets above 64 KiB.
  static let offered = MilterSteps(rawValue: 0x1f_ffff).subtracting(MilterSteps(rawValue: 0x800))
}

/// The events of the protocol, with the command that carries each and the flags that switch it off or make it silent.
enum MilterEvent: Sendable {
  case connect, helo, mail, recipient, data, header, endOfHeaders, body

  var command: UInt8 {
    switch self {
    case .connect: UInt8(ascii: "C")
    case .helo: UInt8(ascii: "H")
    case .mail: UInt8(ascii: "M")
    case .recipient: UInt8(ascii: "R")
    case .data: UInt8(ascii: "T")
    case .header: UInt8(ascii: "L")
    case .endOfHeaders: UInt8(ascii: "N")
    case .body: UInt8(ascii: "B")
    }
  }

  var unwanted: MilterSteps {
    switch self {
    case .connect: .noConnect
    case .helo: .noHelo
    case .mail: .noMail
    case .recipient: .noRecipient
    case .data: .noData
    case .header: .noHeaders
    case .endOfHeaders: .noEndOfHeaders
    case .body: .noBody
    }
  }

  var silent: MilterSteps {
    switch self {
    case .connect: .silentConnect
    case .helo: .silentHelo
    case .mail: .silentMail
    case .recipient: .silentRecipient
    case .data: .silentData
    case .header: .silentHeaders
    case .endOfHeaders: .silentEndOfHeaders
    case .body: .silentBody
    }
  }
}
