// fuzz-sources: Sources/Basics Sources/MailSyntax
import Basics
import MailSyntax

/// Dates of messages and of IMAP.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  let text = String(decoding: bytes, as: UTF8.self)
  if let date = MessageDate.parse(bytes) {
    _ = date.day
    let again = MessageDate.parse(Array(MessageDate.format(date.time, zoneMinutes: date.zoneMinutes).utf8))
    // A local year below 1000 or past 9999 does not read back; all others must.
    let year = Timestamp(seconds: date.time.seconds + Int64(date.zoneMinutes) * 60).utc.year
    if (1000...9999).contains(year), again != date { fatalError("date is not stable") }
  }
  if let date = MessageDate.parseInternalDate(text) {
    guard
      MessageDate.parseInternalDate(MessageDate.formatInternalDate(date.time, zoneMinutes: date.zoneMinutes)) == date
    else { fatalError("internal date is not stable") }
  }
  _ = MessageDate.parseSearchDate(text)
  return 0
}
