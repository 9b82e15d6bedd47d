/// A folder's counts, kept up to date with every change of a record.
struct FolderTotals: Equatable {
  var messages = 0
  var unseen = 0
  var deleted = 0
  var wireBytes: Int64 = 0
  var fileBytes: Int64 = 0

  mutating func add(_ record: MessageRecord) { change(record, by: 1) }
  mutating func subtract(_ record: MessageRecord) { change(record, by: -1) }

  private mutating func change(_ record: MessageRecord, by sign: Int) {
    messages += sign
    if !record.flags.contains(.seen) { unseen += sign }
    if record.flags.contains(.deleted) { deleted += sign }
    wireBytes += Int64(sign) * Int64(record.wireBytes)
    fileBytes += Int64(sign) * Int64(record.fileBytes)
  }
}
