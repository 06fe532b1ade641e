if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["nvcf-operator.io/paused"] = "true"
return obj
