if obj.metadata.annotations ~= nil then
  obj.metadata.annotations["nvcf-operator.io/paused"] = nil
end
return obj
